// NAME    maildir_box - a Maildir for POP3
//
// DESCRIPTION
//     open() looks at the states of new/, cur/ and dovecot-uidlist and reads the header of the index; only when one of
//     them has changed the directories are read (maildir_sync). The records and names of the index are read when
//     something needs them. A message that is no more where it was is looked for by the base of its name, all that
//     moved at once.
//
//     Sizes that no name and no list tells are counted by reading the message, once: they are kept in the index. A name
//     that tells another size than the file has is not believed.
//
// ERRORS
//     See pop_box.h. An index that turns out to be damaged after its header was believed is made anew; when the
//     messages are then not those that were announced, the session gets errors, and the next one is right.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "libcommon/mailbox/maildir/maildir_sync.h"
#include "libcommon/mailbox/pop_box.h"

namespace umaya::mailbox {

class MaildirBox : public PopBox {
 public:
  static Result<std::unique_ptr<PopBox>> open(const std::string& path, const Options& options);
  static std::unique_ptr<PopBox> open_from_memory(const std::string& path, const Options& options);
  ~MaildirBox() override;

  size_t count() const override { return header_.count; }
  Result<uint64_t> total_size() override;
  bool knows_total_size() const override { return header_.unknown_sizes == 0; }
  bool knows_list() const override { return index_ && header_.unknown_sizes == 0; }
  Result<uint64_t> size(size_t i) override;
  Result<void> unique_id(size_t i, std::string& append_to) override;
  Result<Body> open_message(size_t i) override;
  Result<void> mark_seen(std::span<const size_t> which) override;
  Result<size_t> remove(std::span<const size_t> which) override;

 private:
  /// Where a message is now, when that is not where the index has it.
  struct Moved {
    std::string name;  ///< empty: it is gone
    bool in_new = false;
  };

  MaildirBox(MaildirFolder folder, IdPolicy policy, Duration expire)
      : folder_(std::move(folder)), policy_(std::move(policy)), expire_(expire) {}
  Result<void> start(bool lock);
  /// Nothing but what start() does when the index is current.
  bool start_as_known(bool lock);
  Result<void> load();
  Moved place(size_t i) const;
  /// Looks where all messages are now.
  Result<void> look_again();
  /// What the quota file counts of the message; 0 when there is no such file.
  int64_t counted_size(const Moved& at);
  /// Opens the file, looks again when it is not there.
  Result<Fd> open_file(size_t i);
  Result<uint64_t> count_size(size_t i, int fd);
  Result<void> mark_one_seen(size_t i);
  Result<bool> remove_one(size_t i);
  void tell_quota();
  /// Numbers of the messages that are too old to be kept.
  Result<std::vector<size_t>> expired();
  Result<void> sync_directories();

  MaildirFolder folder_;
  IdPolicy policy_;
  Duration expire_;
  Fd lock_;
  IndexFile file_;
  IndexHeader header_;
  std::optional<MailIndex> index_;
  std::map<size_t, Moved> moved_;
  bool learned_sizes_ = false;
  bool has_quota_ = false;                  ///< there is a maildirsize
  int64_t freed_ = 0, freed_messages_ = 0;  ///< what it has not been told yet
};

}  // namespace umaya::mailbox
