// NAME    intake - one message on its way into the queue
//
// SYNOPSIS
//     Intake intake(service);
//     co_await intake.begin(std::move(submission));
//     co_await intake.add_recipients(…);
//     co_await intake.add_content(bytes);
//     Outcome outcome = co_await intake.finish();
//
// DESCRIPTION
//     Rewrites sender and recipients, writes the content to the queue file as it arrives while its headers are checked,
//     completed and rewritten, and makes the file durable. After the first thing that goes wrong the rest of the
//     message is taken and dropped; finish() gives the reason.
//
// OWNERSHIP
//     The service outlives it. Destroyed before the message is safe, it removes the file.
//
// LIMITS
//     Memory: one block of content, one header (header_size_limit), the addresses of one packet of recipients.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "cleanup/header_work.h"
#include "cleanup/headers.h"
#include "cleanup/scanner.h"
#include "cleanup/service.h"
#include "cleanup/text_filter.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/services/cleanup.h"

namespace umaya::cleanup {

using services::cleanup::Outcome;
using services::cleanup::Submission;

class Intake {
 public:
  explicit Intake(Service& service) : service_(service), filter_(service.text_options()) {}
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;
  ~Intake();

  /// Takes all of the submission but its content.
  event::Task<void> begin(Submission submission);
  event::Task<void> add_recipients(std::vector<services::Recipient> recipients);
  event::Task<void> add_content(std::string bytes);
  event::Task<Outcome> finish();

 private:
  struct SenderPlan;
  struct RecipientPlan;
  bool failed() const { return failure_.has_value(); }
  void fail(uint16_t code, std::string dsn, std::string text);
  void fail_with(const Error& error, std::string_view what);
  bool option(uint32_t bit) const { return (options_ & bit) != 0; }

  SenderPlan plan_sender();
  struct Expansion;
  Result<Expansion> plan_recipient(const services::Recipient& recipient, RecipientPlan& plan);
  RecipientPlan plan_recipients(const std::vector<services::Recipient>& recipients);
  void store(const RecipientPlan& plan);
  void store_one(queue::Recipient recipient);
  bool seen_before(const queue::Recipient& recipient);
  event::Task<void> add_extra_recipients();

  void open_file();
  event::Task<void> work_on_events();
  HeaderWork header_work();
  void apply(const Event& event, const EventResult& result);
  void act(const Event& event, const Action& action);
  void act_reject(const Event& event, const Action& action);
  void log_action(std::string_view word, const Event& event, std::string_view text);
  void note_header(const Event& event, const EventResult& result);
  void end_headers();
  void add_missing_headers();
  void write(std::string_view text);
  void write_line(std::string_view line);
  void check_structure();

  Service& service_;
  TextFilter filter_;
  std::optional<Scanner> scanner_;
  std::optional<queue::MessageWriter> writer_;
  std::optional<Outcome> failure_;
  queue::Envelope envelope_;
  std::string id_, origin_, last_recipient_;
  uint32_t options_ = 0;
  queue::QueueName queue_ = queue::QueueName::incoming;
  bool file_exists_ = false, discard_ = false, in_headers_ = true, detects_utf8_ = false;
  std::vector<std::string> bcc_, extracted_, resent_extracted_;
  std::unordered_set<std::string> seen_recipients_;
  SeenHeaders seen_;
  bool resent_ = false;
  int64_t hops_ = 0;
  uint64_t content_size_ = 0, body_checked_ = 0;
};

}  // namespace umaya::cleanup
