#include "named-lite/query/question_key.h"

#include "named-lite/dns/wire.h"

namespace umaya::named {

namespace {

constexpr size_t kHeader = 12;
constexpr size_t kFlagsOfOpt = 5 + 7;  // behind the root of the name; an OPT record follows as a rule

}  // namespace

bool read_key(std::string_view packet, std::span<char, kMaxName> room, AnswerKey& key) {
  size_t at = kHeader;
  while (at < packet.size() && packet[at] != 0) at += 1 + size_t{static_cast<unsigned char>(packet[at])};
  size_t size = at + 1 - kHeader;
  if (size > kMaxName || at + 5 > packet.size()) return false;
  copy_lower(room.data(), packet.data() + kHeader, size);
  key.name = {room.data(), size};
  key.type = be16_at(packet, at + 1);
  key.dnssec_ok =
      at + kFlagsOfOpt < packet.size() && (static_cast<unsigned char>(packet[at + kFlagsOfOpt]) & 0x80) != 0;
  return true;
}

}  // namespace umaya::named
