// NAME    maildir_reader - the messages of a Maildir, for programs that show or fetch them
//
// SYNOPSIS
//     UMAYA_TRY(MaildirReader box, MaildirReader::open("/home/k.mizo/Maildir"));
//     box.count();  box.unique_id(0);  box.size(0);  box.open_message(0);
//     UMAYA_CHECK(box.remove({0, 3}));
//
// DESCRIPTION
//     The list is taken once, in the order of delivery, and keeps its numbers. Other programs may meanwhile rename
//     messages (new/ to cur/, flags): they are found again by the part of their name that never changes. A Maildir that
//     does not exist is empty. unique_id() is that part too, cut at the first comma, or a digest of it where POP3 could
//     not carry it: 1 to 70 printable octets that stay the same for as long as the message lives. size() is what
//     DotEncoder sends of the message without stuffing: line ends count two octets, a last line is completed. It is
//     counted once, by reading the message, unless the name tells it (W=, as Dovecot writes). lock() keeps other
//     sessions of the kind away, as RFC 1939 section 4 asks.
//
// ERRORS
//     All temporary. open_message() and size() of a message that is gone: sys_errno is ENOENT.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::mailbox {

class MaildirReader {
 public:
  /// path: absolute, or relative to the working directory.
  static Result<MaildirReader> open(const std::string& path);

  size_t count() const { return messages_.size(); }
  /// Octets on the wire.
  Result<uint64_t> size(size_t i);
  std::string unique_id(size_t i) const;
  /// File name without directory, for the log.
  const std::string& file_name(size_t i) const { return messages_[i].name; }
  /// The message for reading, a plain file.
  Result<Fd> open_message(size_t i);
  /// Removes messages; when it succeeds they stay away, also after a power cut. All are tried, the first error is told.
  Result<void> remove(std::span<const size_t> which);

  enum class Lock : unsigned char { taken, in_use };
  /// Takes the lock until this object goes.
  Result<Lock> lock();

 private:
  enum class Place : unsigned char { fresh, current };
  struct Message {
    std::string name;
    Place place;
    std::optional<uint64_t> size;
  };
  MaildirReader() = default;
  Result<void> scan(Place place);
  Result<void> find_again(Message& message);
  int directory(Place place) const { return place == Place::fresh ? fresh_.get() : current_.get(); }

  std::string path_;
  Fd fresh_, current_, lock_;
  std::vector<Message> messages_;
};

/// The part of a file name that never changes: up to the first ':'.
std::string_view maildir_base(std::string_view name);

}  // namespace umaya::mailbox
