#include "named-lite/config/reading.h"

#include <unistd.h>

#include <array>

namespace umaya::named {

namespace {

constexpr uint64_t kMostSeconds = uint64_t{1} << 40;

/// Digits and the letter behind them; takes them off the text.
struct Counted {
  uint64_t count = 0;
  char unit = 0;
};
std::optional<Counted> take_counted(std::string_view& text) {
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  auto count = parse_uint(text.substr(0, digits));
  if (!count || *count > kMostSeconds) return std::nullopt;
  Counted result{*count, digits < text.size() ? static_cast<char>(text[digits] | 0x20) : '\0'};
  text.remove_prefix(digits + (result.unit != 0 ? 1 : 0));
  return result;
}

uint64_t seconds_of_unit(char unit, bool after_time) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return after_time ? 60 : uint64_t{30} * 86400;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return uint64_t{7} * 86400;
    case 'y':
      return uint64_t{365} * 86400;
    default:
      return 0;
  }
}

/// P3DT12H, PT90S (ISO 8601).
std::optional<uint64_t> iso_duration(std::string_view text) {
  text.remove_prefix(1);
  uint64_t total = 0;
  bool after_time = false;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    if ((text[0] | 0x20) == 't' && !after_time) {
      after_time = true;
      text.remove_prefix(1);
      if (text.empty()) return std::nullopt;
      continue;
    }
    auto part = take_counted(text);
    uint64_t unit = part ? seconds_of_unit(part->unit, after_time) : 0;
    if (unit == 0) return std::nullopt;
    total += part->count * unit;
    if (total > kMostSeconds) return std::nullopt;
  }
  return total;
}

}  // namespace

std::optional<uint64_t> duration_from_text(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if ((text[0] | 0x20) == 'p') return iso_duration(text);
  uint64_t total = 0;
  while (!text.empty()) {
    auto part = take_counted(text);
    if (!part) return std::nullopt;
    uint64_t unit = part->unit == 0 ? 1 : part->unit == 'y' ? 0 : seconds_of_unit(part->unit, true);
    if (unit == 0) return std::nullopt;
    total += part->count * unit;
    if (total > kMostSeconds) return std::nullopt;
  }
  return total;
}

std::optional<uint64_t> size_from_text(std::string_view text) {
  if (iequals(text, "unlimited")) return kUnlimited;
  if (text.empty()) return std::nullopt;
  int shift = 0;
  switch (text.back() | 0x20) {
    case 'k':
      shift = 10;
      break;
    case 'm':
      shift = 20;
      break;
    case 'g':
      shift = 30;
      break;
    default:
      break;
  }
  if (shift != 0) text.remove_suffix(1);
  auto value = parse_uint(text);
  if (!value || *value > (UINT64_MAX >> 1 >> shift)) return std::nullopt;
  return *value << shift;
}

std::optional<bool> flag_from_text(std::string_view text) {
  if (iequals(text, "yes") || iequals(text, "true") || text == "1") return true;
  if (iequals(text, "no") || iequals(text, "false") || text == "0") return false;
  return std::nullopt;
}

std::string name_of_host() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

uint64_t memory_of_host() {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(size) : uint64_t{1} << 30;
}

const Part* Reading::block(const Statement& statement, std::string_view cure) const {
  const Part* block = statement.block();
  if (block == nullptr) error(statement, 0, statement.name() + " needs a block in braces", std::string(cure));
  return block;
}

AclRef Reading::list(const Statement& statement) const {
  const Part* block = statement.block();
  if (block == nullptr) {
    error(statement, 0, statement.name() + " needs a list in braces", statement.name() + " { any; };");
    return nullptr;
  }
  return std::make_shared<const Acl>(acls.parse(*block, problems));
}

std::vector<RemoteServer> Reading::remote_servers(const Statement& statement) const {
  return servers.read(statement, keys, problems);
}

std::optional<uint64_t> Reading::number(const Statement& statement, size_t part, uint64_t least, uint64_t most) const {
  auto value = parse_uint(statement.word(part));
  if (value && *value >= least && *value <= most) return value;
  error(statement, part,
        statement.name() + " is a number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<bool> Reading::flag(const Statement& statement, size_t part) const {
  auto value = flag_from_text(statement.word(part));
  if (!value) error(statement, part, statement.name() + " is yes or no", statement.name() + " yes;");
  return value;
}

std::optional<uint16_t> Reading::port(const Statement& statement, size_t part) const {
  auto value = parse_uint(statement.word(part));
  if (value && *value >= 1 && *value <= 65535) return static_cast<uint16_t>(*value);
  error(statement, part, "a port is a number from 1 to 65535");
  return std::nullopt;
}

std::optional<Name> Reading::name(const Statement& statement, size_t part) const {
  auto value = Name::from_text(statement.word(part));
  if (value && !statement.word(part).empty()) return *value;
  error(statement, part, value ? "a name is missing" : value.error().what);
  return std::nullopt;
}

std::optional<net::IpAddress> Reading::address(const Statement& statement, size_t part) const {
  auto value = net::IpAddress::parse(statement.word(part));
  if (!value) {
    error(statement, part, "\"" + std::string(statement.word(part)) + "\" is no address", "192.0.2.1");
  }
  return value;
}

}  // namespace umaya::named
