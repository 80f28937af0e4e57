// NAME    receiver - where a message goes while it arrives: to cleanup (handover.h) or to a filter (filter/link.h)
#pragma once

#include <string>

#include "libcommon/event/task.h"

namespace umaya::smtpd {

class Receiver {
 public:
  Receiver() = default;
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  virtual ~Receiver() = default;

  /// Where content is appended: CRLF text, dots not doubled.
  std::string& content() { return content_; }
  bool full() const { return content_.size() >= kPushAt; }
  /// Passes on what was gathered; what goes wrong shows at the end of the message.
  virtual event::Task<void> push() = 0;
  /// The end is known while the message still arrives: nothing more is passed on.
  virtual bool settled() const = 0;

 protected:
  static constexpr size_t kPushAt = 48 * 1024;
  std::string content_;
};

}  // namespace umaya::smtpd
