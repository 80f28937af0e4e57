#include "named-lite/dns/types.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "libcommon/base/strings.h"
#include "named-lite/dns/spelling.h"

namespace umaya::named {

namespace {

constexpr TypeInfo kTypes[] = {
    {1, "A", "4", "IPv4-address"},
    {2, "NS", "n", "host-name"},
    {3, "MD", "n", "host-name"},
    {4, "MF", "n", "host-name"},
    {5, "CNAME", "n", "name"},
    {6, "SOA", "nndtttt", "primary-server mail-address serial refresh retry expire minimum"},
    {7, "MB", "n", "host-name"},
    {8, "MG", "n", "mailbox"},
    {9, "MR", "n", "mailbox"},
    {10, "NULL", "", "\\# length hexadecimal"},
    {11, "WKS", "", "address protocol services"},
    {12, "PTR", "n", "name"},
    {13, "HINFO", "ss", "machine system"},
    {14, "MINFO", "nn", "responsible-mailbox error-mailbox"},
    {15, "MX", "wn", "preference host-name"},
    {16, "TXT", "S", "\"text\" …"},
    {17, "RP", "NN", "mailbox text-name"},
    {18, "AFSDB", "wN", "subtype host-name"},
    {19, "X25", "s", "PSDN-address"},
    {20, "ISDN", "S", "address [subaddress]"},
    {21, "RT", "wN", "preference host-name"},
    {22, "NSAP", "", "0x…"},
    {23, "NSAP-PTR", "N", "name"},
    {24, "SIG", "", "as RFC 2535"},
    {25, "KEY", "wbbB", "flags protocol algorithm key"},
    {26, "PX", "wNN", "preference RFC822-name X.400-name"},
    {27, "GPOS", "sss", "longitude latitude altitude"},
    {28, "AAAA", "6", "IPv6-address"},
    {29, "LOC", "", "latitude longitude altitude …"},
    {30, "NXT", "", "as RFC 2535"},
    {31, "EID", "h", "hexadecimal"},
    {32, "NIMLOC", "h", "hexadecimal"},
    {33, "SRV", "wwwN", "priority weight port host-name"},
    {34, "ATMA", "", "address"},
    {35, "NAPTR", "wwsssN", "order preference flags service regexp replacement"},
    {36, "KX", "wN", "preference host-name"},
    {37, "CERT", "", "type key-tag algorithm certificate"},
    {38, "A6", "", "\\# length hexadecimal"},
    {39, "DNAME", "N", "name"},
    {40, "SINK", "bbbB", "meaning coding subcoding data"},
    {42, "APL", "", "[!]family:address/prefix …"},
    {43, "DS", "wbbh", "key-tag algorithm digest-type digest"},
    {44, "SSHFP", "bbh", "algorithm type fingerprint"},
    {45, "IPSECKEY", "", "precedence gateway-type algorithm gateway key"},
    {46, "RRSIG", "", "as RFC 4034"},
    {47, "NSEC", "", "next-name types …"},
    {48, "DNSKEY", "wbbB", "flags protocol algorithm key"},
    {49, "DHCID", "B", "base64"},
    {50, "NSEC3", "", "as RFC 5155"},
    {51, "NSEC3PARAM", "", "algorithm flags iterations salt"},
    {52, "TLSA", "bbbh", "usage selector matching-type data"},
    {53, "SMIMEA", "bbbh", "usage selector matching-type data"},
    {55, "HIP", "", "as RFC 8005"},
    {56, "NINFO", "S", "\"text\" …"},
    {57, "RKEY", "wbbB", "flags protocol algorithm key"},
    {58, "TALINK", "NN", "name name"},
    {59, "CDS", "wbbh", "key-tag algorithm digest-type digest"},
    {60, "CDNSKEY", "wbbB", "flags protocol algorithm key"},
    {61, "OPENPGPKEY", "B", "base64"},
    {62, "CSYNC", "", "serial flags types …"},
    {63, "ZONEMD", "dbbh", "serial scheme algorithm digest"},
    {64, "SVCB", "", "priority target parameters …"},
    {65, "HTTPS", "", "priority target parameters …"},
    {99, "SPF", "S", "\"text\" …"},
    {104, "NID", "", "preference node-id"},
    {105, "L32", "w4", "preference locator"},
    {106, "L64", "", "preference locator"},
    {107, "LP", "wN", "preference name"},
    {108, "EUI48", "", "xx-xx-xx-xx-xx-xx"},
    {109, "EUI64", "", "xx-xx-xx-xx-xx-xx-xx-xx"},
    {256, "URI", "wwq", "priority weight \"target\""},
    {257, "CAA", "bsq", "flags tag \"value\""},
    {258, "AVC", "S", "\"text\" …"},
    {261, "RESINFO", "S", "\"key=value\" …"},
    {262, "WALLET", "S", "\"text\" …"},
    {32768, "TA", "wbbh", "key-tag algorithm digest-type digest"},
    {32769, "DLV", "wbbh", "key-tag algorithm digest-type digest"},
};

/// Direct index for the numbers below 258, so that the answer path needs no search.
constexpr auto kByNumber = [] {
  std::array<uint8_t, 259> index{};
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    if (kTypes[i].number < index.size()) index[kTypes[i].number] = static_cast<uint8_t>(i + 1);
  }
  return index;
}();

/// Up to ten upper-case letters and digits of a mnemonic in two words; longer text gives a key that none has.
struct Key {
  uint64_t first = 0;
  uint16_t rest = 0;
  auto operator<=>(const Key&) const = default;
};

constexpr Key key_of(std::string_view text) {
  Key key;
  if (text.size() > 10) return key;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    auto byte = static_cast<unsigned char>(c);
    if (i < 8) {
      key.first |= static_cast<uint64_t>(byte) << (8 * i);
    } else {
      key.rest = static_cast<uint16_t>(key.rest | byte << (8 * (i - 8)));
    }
  }
  return key;
}

struct Named {
  Key key;
  uint16_t number;
};

constexpr auto kByName = [] {
  std::array<Named, std::size(kTypes)> rows{};
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = {key_of(kTypes[i].name), kTypes[i].number};
  std::sort(rows.begin(), rows.end(), [](const Named& a, const Named& b) { return a.key < b.key; });
  return rows;
}();

std::optional<uint16_t> numbered(std::string_view text, std::string_view prefix) {
  if (!istarts_with(text, prefix)) return std::nullopt;
  auto number = parse_uint(text.substr(prefix.size()));
  if (!number || *number > 65535) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

}  // namespace

const TypeInfo* type_info(uint16_t number) {
  if (number < kByNumber.size()) {
    uint8_t at = kByNumber[number];
    return at > 0 ? &kTypes[at - 1] : nullptr;
  }
  auto row = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeInfo& t) { return t.number == number; });
  return row == std::end(kTypes) ? nullptr : &*row;
}

std::string_view type_layout(uint16_t number) {
  const TypeInfo* info = type_info(number);
  return info != nullptr ? info->layout : std::string_view();
}

std::optional<uint16_t> type_from_text(std::string_view text) {
  // The two that nearly every line has.
  if (text == "A") return type::kA;
  if (text == "NS") return type::kNs;
  Key key = key_of(text);
  auto row =
      std::lower_bound(kByName.begin(), kByName.end(), key, [](const Named& a, const Key& b) { return a.key < b; });
  if (row != kByName.end() && row->key == key) return row->number;
  return numbered(text, "TYPE");
}

std::string type_text(uint16_t number) {
  if (const TypeInfo* info = type_info(number)) return std::string(info->name);
  switch (number) {
    case type::kOpt:
      return "OPT";
    case type::kTkey:
      return "TKEY";
    case type::kTsig:
      return "TSIG";
    case type::kIxfr:
      return "IXFR";
    case type::kAxfr:
      return "AXFR";
    case type::kAny:
      return "ANY";
    default:
      return "TYPE" + std::to_string(number);
  }
}

std::optional<uint16_t> class_from_text(std::string_view text) {
  if (text.size() == 2) {
    char a = ascii_upper(text[0]);
    char b = ascii_upper(text[1]);
    if (a == 'I' && b == 'N') return rr_class::kIn;
    if (a == 'C' && b == 'H') return rr_class::kChaos;
    if (a == 'H' && b == 'S') return rr_class::kHesiod;
    return std::nullopt;
  }
  return numbered(text, "CLASS");
}

std::string_view nearest_type(std::string_view text) {
  std::string upper = to_upper(text);
  return nearest_word(upper, std::size(kTypes), [](size_t i) { return kTypes[i].name; });
}

size_t field_size(char kind) {
  switch (kind) {
    case 'b':
      return 1;
    case 'w':
      return 2;
    case 'd':
    case 't':
    case '4':
      return 4;
    case '6':
      return 16;
    default:
      return 0;
  }
}

}  // namespace umaya::named
