// NAME    mbox_box - an mbox file for POP3
//
// DESCRIPTION
//     The file is locked as delivery locks it (fcntl, dotlock where the directory lets us) while it is read at open()
//     and while it is changed at QUIT, not in between: mail may arrive during a session. One session at a time is made
//     sure of by flock(2) on the file, which deliveries on Debian do not use. A message is sent only if its place still
//     holds it.
//
//     Unique ids: X-UID with the X-IMAPbase of the file, in Dovecot's format, where Dovecot has numbered the messages;
//     else X-UIDL (qpopper); else the digest of mbox_parser.h. Equal ones are told apart by their order.
//
//     Changes are made in place, so that programs that wait for the lock keep the right file. First all messages that
//     stay, from the first change on, and what has arrived meanwhile, are written behind the end of the file and
//     flushed; then they are written to where they belong and flushed; then the file is cut. A crash or power cut in
//     between leaves messages twice, never one less. Only when the disk has no room for the copy they are moved without
//     it. Before anything is changed the file must be the same as at open() up to where it ended then, which a checksum
//     tells; another program that rewrote it makes QUIT fail, and nothing is removed.
//
//     mark_seen() puts "Status: RO" into the headers, with the same rewrite.
//
// ERRORS
//     See pop_box.h. A file that does not begin as an mbox is not served.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/mailbox/mbox/mbox_lock.h"
#include "libcommon/mailbox/mbox/mbox_parser.h"
#include "libcommon/mailbox/mbox/mbox_rewrite.h"
#include "libcommon/mailbox/pop_box.h"

namespace umaya::mailbox {

class MboxBox : public PopBox {
 public:
  static Result<std::unique_ptr<PopBox>> open(const std::string& path, const Options& options);

  size_t count() const override { return mails_.size(); }
  Result<uint64_t> total_size() override { return total_; }
  bool knows_total_size() const override { return true; }
  bool knows_list() const override { return true; }
  Result<uint64_t> size(size_t i) override;
  Result<void> unique_id(size_t i, std::string& append_to) override;
  Result<Body> open_message(size_t i) override;
  Result<void> mark_seen(std::span<const size_t> which) override;
  Result<size_t> remove(std::span<const size_t> which) override;

 private:
  MboxBox(std::string path, Options options) : path_(std::move(path)), options_(std::move(options)) {}
  Result<void> start();
  Result<void> read_all(int fd);
  Result<void> make_ids(uint32_t uid_validity);
  Result<Body> shown_copy(const MboxMail& mail);
  void mark_expired(std::vector<bool>& deleted) const;
  Result<void> check_unchanged(int fd, uint64_t size) const;
  Result<void> check_place(const MboxMail& mail) const;
  /// base: a header line to add, or nothing.
  Result<MboxPiece> piece_of(int fd, size_t i, const std::string& base) const;
  /// What stays from the first change on: messages, marked where asked, and new mail.
  Result<std::vector<MboxPiece>> kept_pieces(int fd, const std::vector<bool>& deleted, size_t first,
                                             uint64_t size) const;
  Result<void> rewrite(const std::vector<bool>& deleted, size_t first);

  std::string path_;
  Options options_;
  MboxRules rules_;
  Fd directory_, file_;
  std::string name_;
  std::vector<MboxMail> mails_;
  std::vector<std::string> ids_;
  std::vector<bool> mark_;
  std::string imap_base_;  ///< X-IMAPbase of the first message
  uint64_t total_ = 0;
  uint64_t size_ = 0;      ///< of the file at open()
  uint32_t checksum_ = 0;  ///< of all of it
};

}  // namespace umaya::mailbox
