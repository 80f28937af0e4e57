// NAME    pop_box - a mailbox as POP3 sees it: a numbered list that stays as it was when it was opened
//
// SYNOPSIS
//     UMAYA_TRY(auto box, PopBox::open("maildir:/home/kim/Maildir", options));   // sys_errno EBUSY: in use
//     box->count();  box->total_size();
//     std::string line = "1 ";  UMAYA_CHECK(box->unique_id(0, line));
//     UMAYA_TRY(PopBox::Body body, box->open_message(0));      // body.size octets from body.offset on
//     UMAYA_CHECK(box->mark_seen(read));  UMAYA_CHECK(box->remove(deleted));     // at QUIT
//
// DESCRIPTION
//     Messages are counted from 0 and keep their numbers until the object goes, whatever other programs do meanwhile.
//     open() and total_size() take the same time for ten messages and for ten thousand while nothing has changed since
//     the mailbox was last opened; what size() and unique_id() need is read when it is first asked for.
//     A unique id is 1 to 70 printable octets (RFC 1939 section 7), the same for as long as the message lives, and no
//     two messages of a mailbox have the same.
//     remove() is the UPDATE state: call it at QUIT, also with nothing to remove, because it takes away as well what
//     pop3_expire says. Nothing else removes messages; an object that is destroyed before removes none.
//
// OWNERSHIP
//     The object owns its locks and descriptors; a Body owns its descriptor and may outlive the box. One thread at a
//     time uses a box. All calls but open_from_memory() may read the disk and block.
//
// ERRORS
//     All temporary. sys_errno EBUSY from open(): another session has the mailbox. ENOENT from size() and
//     open_message(): another program took the message away.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "libcommon/base/clock.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::mailbox {

class PopBox {
 public:
  struct Options {
    std::string uidl_format = "%f";                  ///< pop3_uidl_format: for messages that we number
    std::string dovecot_uidl_format = "%08Xu%08Xv";  ///< pop3_dovecot_uidl_format: for those that Dovecot numbered
    bool lock = true;                                ///< pop3_lock_mailbox
    Duration expire{};                               ///< pop3_expire: older messages go at QUIT; zero: never
  };

  /// location: "maildir:/path" or "mbox:/path". A mailbox that does not exist is empty.
  static Result<std::unique_ptr<PopBox>> open(const std::string& location, const Options& options);
  /// As open(), for a mailbox that has not changed since its index was written, while all that this takes to see is in
  /// the kernel's memory: does not wait for a disk. nullptr: open() has more to do, or something to tell.
  static std::unique_ptr<PopBox> open_from_memory(const std::string& location, const Options& options);
  virtual ~PopBox() = default;

  virtual size_t count() const = 0;
  /// Octets of all messages on the wire. Messages that turn out to be gone count for nothing.
  virtual Result<uint64_t> total_size() = 0;
  /// total_size() is in memory already.
  virtual bool knows_total_size() const = 0;
  /// size() and unique_id() of all messages are in memory already.
  virtual bool knows_list() const = 0;
  /// Octets on the wire: line ends count two, a last line is completed, dots are not doubled.
  virtual Result<uint64_t> size(size_t i) = 0;
  /// Appends the unique id of message i.
  virtual Result<void> unique_id(size_t i, std::string& append_to) = 0;

  /// A part of a plain file, as it is stored: lines end with LF (or CRLF).
  struct Body {
    Fd file;
    uint64_t offset = 0;
    uint64_t size = 0;
  };
  virtual Result<Body> open_message(size_t i) = 0;

  /// Marks messages as read, as a mail program would. What other programs marked stays.
  virtual Result<void> mark_seen(std::span<const size_t> which) = 0;
  /// Removes these messages, and those that are too old; when it succeeds they stay away, also after a power cut. All
  /// are tried, the first error is told. Gives the number of messages that went.
  virtual Result<size_t> remove(std::span<const size_t> which) = 0;
};

}  // namespace umaya::mailbox
