// NAME    agent - what local, virtual and pipe have in common: requests from the queue manager, results to it
//
// SYNOPSIS
//     co_await serve_requests(process, std::move(fd), handler);
//
// DESCRIPTION
//     A connection carries one request at a time, with the message's descriptor. The handler gives one result for each
//     recipient; the status lines are written here. When the queue manager has gone meanwhile, the results go to
//     public/qmgr before the message is closed, so that nothing is delivered twice.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/daemon/daemon.h"
#include "libcommon/services/delivery.h"

namespace umaya::local_delivery {

/// One request under way. Lives until its reply is sent.
struct Job {
  services::delivery::Request request;
  Fd message;
};

/// Delivers to one recipient.
using DeliverTarget =
    std::function<event::Task<services::delivery::RecipientResult>(const Job& job, const services::delivery::Target&)>;
/// Delivers a whole request; for agents that take several recipients at once.
using DeliverAll = std::function<event::Task<std::vector<services::delivery::RecipientResult>>(const Job& job)>;

event::Task<void> serve_requests(daemon::Process& process, Fd connection, DeliverAll deliver);
/// The stop hook: connections on which no request is under way are closed.
void close_idle_connections(daemon::Process& process);
/// The reload hook: what is under way is finished with the old settings, new requests go to a fresh process.
void retire_agent(daemon::Process& process);

/// Runs deliver for all recipients of a request side by side.
event::Task<std::vector<services::delivery::RecipientResult>> deliver_each(const Job& job, DeliverTarget deliver);

/// The sandbox of an agent: it reads tables and the user database, talks to services, and writes no file at all.
daemon::SandboxPolicy agent_sandbox(const daemon::Process& process);

/// Writes the status line of one recipient (or of one part of its delivery).
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
