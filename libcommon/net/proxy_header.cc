#include "libcommon/net/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace umaya::net {

namespace {

using Status = ProxyHeader::Status;

constexpr std::string_view kTextMark = "PROXY ";
constexpr size_t kLongestText = 107;
constexpr std::string_view kBinaryMark{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr size_t kBinaryHead = 16;
constexpr size_t kLongestBinary = 2048;

ProxyHeader invalid(std::string_view why) {
  return {.status = Status::invalid, .error = why};
}

/// Decimal without sign or leading zeros.
std::optional<uint16_t> read_port(std::string_view text) {
  uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || (text.size() > 1 && text.front() == '0')) return {};
  return port;
}

/// The next word; words are parted by exactly one blank.
std::string_view next_word(std::string_view& rest) {
  size_t end = std::min(rest.find(' '), rest.size());
  std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

ProxyHeader parse_text(std::string_view bytes) {
  size_t end = bytes.substr(0, kLongestText).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kLongestText) return invalid("line too long");
    return {};
  }
  ProxyHeader header{.status = Status::complete, .size = end + 2};
  std::string_view rest = bytes.substr(kTextMark.size(), end - kTextMark.size());
  std::string_view family = next_word(rest);
  if (family == "UNKNOWN") return header;
  if (family != "TCP4" && family != "TCP6") return invalid("unknown protocol family");
  auto source = IpAddress::parse(next_word(rest));
  auto destination = IpAddress::parse(next_word(rest));
  auto source_port = read_port(next_word(rest));
  auto destination_port = read_port(rest);
  bool v4 = family == "TCP4";
  if (!source || !destination || source->is_v4() != v4 || destination->is_v4() != v4) return invalid("bad address");
  if (!source_port || !destination_port) return invalid("bad port");
  header.client = Endpoint{*source, *source_port};
  header.server = Endpoint{*destination, *destination_port};
  return header;
}

uint16_t read_u16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

IpAddress address_at(std::string_view bytes, size_t at, size_t length) {
  const auto* raw = reinterpret_cast<const uint8_t*>(bytes.data() + at);
  return length == 4 ? IpAddress::v4(raw) : IpAddress::v6(raw);
}

ProxyHeader parse_binary(std::string_view bytes) {
  if (bytes.size() < kBinaryHead) return {};
  auto version_command = static_cast<uint8_t>(bytes[12]);
  auto family = static_cast<uint8_t>(bytes[13]);
  size_t length = read_u16(bytes, 14);
  if (version_command >> 4 != 2) return invalid("unknown version");
  if (length > kLongestBinary) return invalid("header too long");
  if (bytes.size() < kBinaryHead + length) return {};
  ProxyHeader header{.status = Status::complete, .size = kBinaryHead + length};
  constexpr uint8_t kLocal = 0, kProxy = 1, kTcp4 = 0x11, kTcp6 = 0x21;
  uint8_t command = version_command & 15;
  if (command == kLocal) return header;
  if (command != kProxy) return invalid("unknown command");
  if (family != kTcp4 && family != kTcp6) {
    bool named = family == 0 || family == 0x31;  // UNSPEC, Unix stream
    return named ? header : invalid("unknown protocol family");
  }
  size_t size = family == kTcp4 ? 4 : 16;
  if (length < 2 * size + 4) return invalid("addresses are missing");
  size_t ports = kBinaryHead + 2 * size;
  header.client = Endpoint{address_at(bytes, kBinaryHead, size), read_u16(bytes, ports)};
  header.server = Endpoint{address_at(bytes, kBinaryHead + size, size), read_u16(bytes, ports + 2)};
  return header;
}

bool may_become(std::string_view bytes, std::string_view mark) {
  size_t common = std::min(bytes.size(), mark.size());
  return bytes.substr(0, common) == mark.substr(0, common);
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  bool text = may_become(bytes, kTextMark);
  if (!text && !may_become(bytes, kBinaryMark)) return invalid("no proxy header");
  if (bytes.size() < (text ? kTextMark : kBinaryMark).size()) return {};
  return text ? parse_text(bytes) : parse_binary(bytes);
}

}  // namespace umaya::net
