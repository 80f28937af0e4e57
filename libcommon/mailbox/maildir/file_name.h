// NAME    file_name - what the name of a message in a Maildir tells
//
// DESCRIPTION
//     TIME.UNIQUE.HOST[,S=<bytes>][,W=<bytes on the wire>][:2,<flags>]. The part before ':' is the base: it never
//     changes while the message lives. Flags are D (draft) F (flagged) P (passed) R (replied) S (seen) T (trashed) and
//     a to z for keywords, sorted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace umaya::mailbox {

/// Flags of a message, as they are kept in the index.
enum MailFlag : uint32_t {
  kDraft = 1,
  kFlagged = 2,
  kPassed = 4,
  kReplied = 8,
  kSeen = 16,
  kTrashed = 32,
};

struct NameFlags {
  uint32_t flags = 0;     ///< MailFlag
  uint32_t keywords = 0;  ///< bit 0: a, … bit 25: z
  bool operator==(const NameFlags&) const = default;
};

/// The part that never changes: up to the first ':'.
std::string_view maildir_base(std::string_view name);
/// The base without ",S=…": up to the first ','.
std::string_view maildir_id(std::string_view name);
/// The number behind ",S=" or ",W=" in the base; nothing when there is none, or none that a file can have.
std::optional<uint64_t> size_in_name(std::string_view name, char key);
/// Seconds and microseconds of the delivery, as the name tells them: "1700000000.M123P45.host".
std::pair<uint64_t, uint64_t> delivery_time(std::string_view name);
NameFlags flags_in_name(std::string_view name);
/// The name with S among its flags; the others stay.
std::string name_with_seen(std::string_view name);
/// Whether an entry of new/ or cur/ can be a message that lists may hold: no dot in front, no control octets.
bool is_message_name(std::string_view name);

}  // namespace umaya::mailbox
