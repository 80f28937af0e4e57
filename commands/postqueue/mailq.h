// NAME    mailq - the queue listing as people and programs read it
//
// SYNOPSIS
//     MailqText text(queue::IdForm::short_form);
//     out += text.add(entry);  …  out += text.end();
//     out += to_json(entry) + "\n";
//
// DESCRIPTION
//     Byte for byte as Postfix's postqueue -p and -j print it, because scripts read it. A message that comes in several
//     entries (showq::Entry::more) is printed as one. The null sender is MAILER-DAEMON.
#pragma once

#include <string>

#include "libcommon/queue/queue_id.h"
#include "libcommon/services/showq.h"

namespace umaya::postqueue {

class MailqText {
 public:
  explicit MailqText(queue::IdForm form) : form_(form) {}
  std::string add(const services::showq::Entry& entry);
  /// The last line: how much it was, or that the queue is empty.
  std::string end() const;

 private:
  std::string heading() const;
  std::string line(std::string_view id, std::string_view size, std::string_view time, std::string_view address) const;

  queue::IdForm form_;
  bool inside_ = false;  ///< the entry before this one was not the end of its message
  std::string reason_;   ///< printed last
  uint64_t messages_ = 0;
  uint64_t bytes_ = 0;
};

/// Puts the pieces of a message together and prints it as one line of JSON, without the line end; empty until the
/// last piece has come.
class MailqJson {
 public:
  std::string add(const services::showq::Entry& entry);

 private:
  services::showq::Entry whole_;
  bool inside_ = false;
};

/// A JSON string with its quotes: UTF-8 is kept, control characters are \uXXXX, bytes that are no UTF-8 are '?'.
std::string json_string(std::string_view text);

}  // namespace umaya::postqueue
