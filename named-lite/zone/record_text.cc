#include "named-lite/zone/record_text.h"

#include <arpa/inet.h>

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "libcommon/base/strings.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

std::string relative_text(std::string_view wire, const Name& apex) {
  if (!is_at_or_below(wire, apex.wire()) || apex.is_root()) return name_text(wire);
  if (wire.size() == apex.size()) return "@";
  std::string prefix(wire.substr(0, wire.size() - apex.size()));
  prefix.push_back('\0');
  std::string text = name_text(prefix);
  text.pop_back();
  return text;
}

namespace {

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (char c : bytes) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (ascii_print(c)) {
      text += c;
    } else {
      char escape[5];
      snprintf(escape, sizeof escape, "\\%03u", static_cast<unsigned char>(c));
      text += escape;
    }
  }
  return text + '"';
}

/// The tag of a CAA record: letters and digits, which may not stand in quotes (RFC 8659 4.1.1). What strangers may have
/// put there instead is quoted.
std::string tag_text(std::string_view tag) {
  bool valid = !tag.empty() && std::all_of(tag.begin(), tag.end(), [](char c) { return ascii_alnum(c); });
  return valid ? std::string(tag) : quoted(tag);
}

std::string_view wire_name(ByteReader& in) {
  size_t start = in.position();
  ByteReader probe = in;
  while (probe.ok()) {
    uint8_t length = probe.u8();
    if (length == 0) break;
    probe.bytes(length);
  }
  return in.bytes(probe.position() - start);
}

std::string field_text(char kind, ByteReader& in, const Name& apex) {
  char text[INET6_ADDRSTRLEN] = "";
  switch (kind) {
    case 'n':
    case 'N':
      return relative_text(wire_name(in), apex);
    case 'b':
      return std::to_string(in.u8());
    case 'w':
      return std::to_string(in.be16());
    case 'd':
    case 't':
      return std::to_string(in.be32());
    case '4':
      return inet_ntop(AF_INET, in.bytes(4).data(), text, sizeof text);
    case '6':
      return inet_ntop(AF_INET6, in.bytes(16).data(), text, sizeof text);
    case 's':
      return quoted(in.bytes(in.u8()));
    case 'h':
      return to_upper(hex_encode(in.bytes(in.remaining())));
    case 'B':
      return base64_encode(in.bytes(in.remaining()));
    case 'q':
      return quoted(in.bytes(in.remaining()));
    default: {  // S
      std::string all;
      while (in.ok() && !in.at_end()) all += (all.empty() ? "" : " ") + quoted(in.bytes(in.u8()));
      return all;
    }
  }
}

}  // namespace

std::string rdata_text(uint16_t type, std::string_view rdata, const Name& apex) {
  std::string_view layout = type_layout(type);
  if (layout.empty()) return "\\# " + std::to_string(rdata.size()) + " " + to_upper(hex_encode(rdata));
  ByteReader in(rdata);
  std::string text;
  for (char kind : layout) {
    if (!text.empty()) text += ' ';
    text += type == type::kCaa && kind == 's' ? tag_text(in.bytes(in.u8())) : field_text(kind, in, apex);
  }
  return text;
}

std::string record_text(const RecordList& list, const Record& record) {
  return relative_text(list.owner(record), list.apex()) + " IN " + type_text(record.type) + " " +
         rdata_text(record.type, list.rdata(record), list.apex());
}

}  // namespace umaya::named
