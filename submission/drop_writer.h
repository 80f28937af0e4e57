// NAME    drop_writer - makes a message file in maildrop/ from what a user's program says
//
// DESCRIPTION
//     The other end of services/postdrop. Whatever the stream says is a stranger's word: its form is checked, who sent
//     it is taken from the kernel. The file is created under its final name with mode 0600, becomes 0644 when it is
//     written and 0744 when it is on the disk, with its name (maildrop/ cannot be entered or listed by others, and
//     pickup, which is not the owner, must read it).
//
// OWNERSHIP
//     The file is removed on destruction unless finish() succeeded. current_path() is what a signal handler removes.
#pragma once

#include <optional>
#include <string>

#include "libcommon/base/result.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/queue/queue_id.h"
#include "libcommon/services/postdrop.h"

namespace umaya::submission {

struct DropRules {
  std::string maildrop;  ///< the directory
  queue::IdForm id_form = queue::IdForm::short_form;
  uint64_t size_limit = 0;  ///< message_size_limit, 0: none
  uint32_t recipient_limit = 1'000'000;
};

class DropWriter : public services::postdrop::StreamEvents {
 public:
  explicit DropWriter(DropRules rules) : rules_(std::move(rules)) {}
  DropWriter(const DropWriter&) = delete;
  DropWriter& operator=(const DropWriter&) = delete;
  ~DropWriter() override;

  Result<> on_start(services::postdrop::Start start) override;
  Result<> on_recipient(services::Recipient recipient) override;
  Result<> on_content(std::string_view bytes) override;
  /// Completes the file and syncs it and the directory.
  Result<> finish();

  const std::string& queue_id() const { return id_; }
  /// The message is larger than message_size_limit.
  bool too_large() const { return too_large_; }

  /// The path of the unfinished file, for a signal handler; nullptr when there is none.
  static const char* current_path();

 private:
  Result<Fd> create();
  void discard();

  DropRules rules_;
  std::string id_;
  std::string path_;
  std::optional<queue::MessageWriter> writer_;
  bool too_large_ = false;
  bool complete_ = false;
};

/// Name in Envelope::extra of the real uid that posted the message, decimal; it must own the file.
inline const std::string kPostedBy = "posted_by";
/// Name in Envelope::extra, and as an attribute for cleanup, of the full name for a From: header.
inline const std::string kFullName = "full_name";

/// The envelope of a submission as it stands in maildrop/: what has no field of its own goes to Envelope::extra.
queue::Envelope to_queue_envelope(const services::postdrop::Start& start, uid_t uid);

}  // namespace umaya::submission
