// NAME    intake - one message on its way into the queue
//
// SYNOPSIS
//     Intake intake(surroundings, std::move(submission));
//     if (auto refused = co_await intake.begin()) …                 // an Outcome: tell the client, forget the message
//     if (auto refused = co_await intake.add_content(bytes)) …
//     Outcome outcome = co_await intake.finish();                   // accepted: it is on the disk
//
// DESCRIPTION
//     Content goes to the file as it arrives; only the header section is held back until it is complete. Checks see
//     every header and, when a rule needs it, every body line. What the checks want of the message is carried out at the
//     end. A message that is refused or dropped leaves no file.
//
// ERRORS
//     Trouble of ours is "deferred" with 451 or 452; only a rule, a limit or the hop count rejects.
//
// LIMITS
//     Headers together: 1 MiB. message_size_limit, hopcount_limit, header_size_limit.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cleanup/content_checks.h"
#include "cleanup/group_commit.h"
#include "cleanup/headers.h"
#include "cleanup/params.h"
#include "cleanup/recipients.h"
#include "libcommon/event/task.h"
#include "libcommon/message/mime.h"
#include "libcommon/queue/directories.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/route/router.h"
#include "libcommon/services/cleanup.h"

namespace umaya::cleanup {

using services::cleanup::Outcome;
using services::cleanup::Submission;

/// What all messages of a process share. Outlives every Intake.
struct Surroundings {
  const Params* params = nullptr;
  route::Router* router = nullptr;
  ContentChecks* checks = nullptr;
  const queue::QueueDirectories* directories = nullptr;
  GroupCommit* commits = nullptr;
};

class Intake : private message::MimeEvents {
 public:
  Intake(const Surroundings& surroundings, Submission submission);
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;
  ~Intake() override;

  /// Maps the sender and makes the file.
  event::Task<std::optional<Outcome>> begin();
  event::Task<std::optional<Outcome>> add_recipients(std::vector<services::Recipient> recipients);
  event::Task<std::optional<Outcome>> add_content(std::string bytes);
  event::Task<Outcome> finish();
  const std::string& queue_id() const { return submission_.envelope.queue_id; }
  /// The message went to the hold queue: qmgr need not know.
  bool held() const { return held_; }

 private:
  void on_header(message::HeaderClass header_class, const message::Header& header) override;
  void on_headers_end(message::HeaderClass header_class, bool separator) override;
  void on_body_line(std::string_view line, bool complete) override;

  bool option(uint32_t bit) const { return (submission_.options & bit) != 0; }
  std::optional<Outcome> make_file();
  std::optional<Outcome> check_space() const;
  void feed(std::string_view bytes);
  void end_primary_headers();
  void put(std::string_view bytes);
  void fail(Outcome outcome);
  void fail(const Error& error);
  void apply_check(const Result<Effect>& effect, const message::Header& header, bool primary);
  event::Task<std::optional<Outcome>> map_recipients(std::vector<queue::Recipient> recipients);
  event::Task<std::optional<Outcome>> add_copies();
  std::optional<Outcome> carry_out_wishes();
  event::Task<Outcome> commit();
  CheckContext check_context() const;
  void log_message_id() const;
  void discard_file();

  const Surroundings& s_;
  Submission submission_;
  std::optional<queue::MessageWriter> writer_;
  HeaderFacts facts_;
  std::optional<HeaderSection> section_;
  message::MimeScanner mime_;
  message::HeaderScanner headers_only_;
  DuplicateFilter duplicates_;
  Wishes wishes_;
  std::optional<Outcome> failure_;
  std::string first_recipient_;
  std::string path_;
  size_t content_size_ = 0, checked_body_ = 0;
  bool read_body_ = false;      ///< every line passes the MIME scanner
  bool section_done_ = false;
  bool skip_checks_ = false;
  bool eight_bit_ = false;
  bool held_ = false;
};

Outcome accepted();
Outcome rejected(uint16_t code, std::string dsn, std::string text);
/// The reply for a failure of ours: 452 for a full disk, 451 otherwise.
Outcome deferred(const Error& error);

}  // namespace umaya::cleanup
