// NAME    notice - tells postmaster of sessions in which something went wrong (notify_classes)
//
// SYNOPSIS
//     transcript.add_in("MAIL FROM:<…>");  transcript.add_out("552 5.3.4 …\r\n");
//     trouble |= trouble_of(552, "5.3.4");
//     if (trouble & notify_mask(words)) post(notice_text({…}));
//
// DESCRIPTION
//     The class of a refusal follows from its enhanced status code: x.3.1 is a lack of resources, a table that could
//     not be asked (4.3.0, "lookup failure") data, other x.3.x of ours a fault of software, x.5.x (or none) a breach of
//     the protocol, everything else policy. Time-outs are nobody's error. The words policy, protocol, resource,
//     software and data of notify_classes ask for a transcript to error_notice_recipient, bounce for one of each
//     session with a refused request.
//
// LIMITS
//     A transcript keeps 8 KiB, its beginning and its end; what lies between is dropped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::smtpd {

enum Trouble : uint8_t { kNoTrouble = 0, kPolicy = 1, kProtocol = 2, kResource = 4, kSoftware = 8, kData = 16 };

/// The class of a reply; kNoTrouble for those below 400.
uint8_t trouble_of(int code, std::string_view dsn, std::string_view text);
/// The classes that notify_classes names.
uint8_t notify_mask(const std::vector<std::string>& words);

class Transcript {
 public:
  void add_in(std::string_view line) { add(" In:  ", line); }
  /// One or more lines, with their ends.
  void add_out(std::string_view lines);
  const std::string& text() const { return text_; }
  void clear() { text_ = std::string(); }

 private:
  void add(std::string_view mark, std::string_view line);
  std::string text_;
};

struct NoticeFacts {
  std::string_view mail_name, client, recipient, reason;  ///< reason: why the session ended early, empty if it did not
};
/// The message, with CRLF line ends. Date and Message-Id are left to cleanup.
std::string notice_text(const NoticeFacts& facts, const Transcript& transcript);

}  // namespace umaya::smtpd
