// NAME    agent - what local, virtual and pipe have in common
//
// SYNOPSIS
//     Task<Reply> deliver_all(const Job& job) { return deliver_each(job, deliver_one); }
//     log_status(job, target, result, service, decimals);
//
// DESCRIPTION
//     Recipients of a request side by side, results and their status lines, and the headers of a delivery.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/daemon/daemon.h"
#include "libcommon/services/delivery_agent.h"

namespace umaya::local_delivery {

using services::delivery::Job;

/// Delivers to one recipient.
using DeliverTarget =
    std::function<event::Task<services::delivery::RecipientResult>(const Job& job, const services::delivery::Target&)>;
/// Runs deliver for all recipients of a request side by side.
event::Task<services::delivery::Reply> deliver_each(const Job& job, DeliverTarget deliver);

/// The sandbox of an agent: it reads tables and the user database, talks to services, and writes no file at all.
daemon::SandboxPolicy agent_sandbox(const daemon::Process& process);

/// Writes the status line of one recipient (or of one part of its delivery), unless the asker does (kNotLogged).
void log_status(const Job& job, const services::delivery::Target& target,
                const services::delivery::RecipientResult& result, std::string_view relay, int decimals);

/// A result that a person can read on the sender's side as well: with a diagnostic when it failed.
services::delivery::RecipientResult make_result(const services::delivery::Target& target,
                                                services::delivery::Status status, std::string dsn, std::string text);

/// The addresses in the Delivered-To headers of a message.
std::vector<std::string> delivered_to_headers(int message, uint64_t offset, uint64_t size);
/// Whether one of these headers names exactly this recipient: the message has been here (L7).
bool names_recipient(const std::vector<std::string>& headers, std::string_view recipient);

/// The header lines of a delivery, addresses quoted as headers need it. Empty original and delivered are left out.
std::string agent_head(const services::Envelope& envelope, std::string_view original, std::string_view delivered);

}  // namespace umaya::local_delivery
