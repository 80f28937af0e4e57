#include "named-lite/dns/wire.h"

#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

bool expand_name(std::string_view message, size_t& at, size_t end, std::string& out) {
  size_t start = out.size();
  size_t p = at;
  size_t limit = end;
  bool jumped = false;
  while (p < limit) {
    auto length = static_cast<unsigned char>(message[p]);
    if (length >= 0xC0) {
      if (p + 2 > limit) return false;
      size_t target = be16_at(message, p) & 0x3FFFu;
      if (!jumped) at = p + 2;
      jumped = true;
      if (target >= p || target < kMessageHeader) return false;
      limit = p;  // what a pointer leads to lies before it: this ends
      p = target;
      continue;
    }
    if (length > kMaxLabel || p + 1 + length > limit || out.size() - start + 1 + length > kMaxName) return false;
    out.append(message.substr(p, 1 + size_t{length}));
    p += 1 + size_t{length};
    if (length > 0) continue;
    if (!jumped) at = p;
    return true;
  }
  return false;
}

bool fits_service_binding(uint16_t type, std::string_view rdata) {
  if (type != type::kSvcb && type != type::kHttps) return true;
  return rdata.size() > 2 && wire_name_size(rdata.substr(2)) != 0;
}

bool expand_rdata(uint16_t type, std::string_view message, size_t at, size_t end, std::string& out) {
  size_t start = out.size();
  std::string_view layout = type_layout(type);
  for (char kind : layout) {
    size_t fixed = field_size(kind);
    if (kind == 'n' || kind == 'N') {
      if (!expand_name(message, at, end, out)) return false;
    } else if (fixed > 0) {
      if (end - at < fixed) return false;
      out.append(message.substr(at, fixed));
      at += fixed;
    } else if (kind == 's' || kind == 'S') {
      do {
        if (at >= end || end - at < 1 + size_t{static_cast<unsigned char>(message[at])}) return false;
        size_t size = 1 + size_t{static_cast<unsigned char>(message[at])};
        out.append(message.substr(at, size));
        at += size;
      } while (kind == 'S' && at < end);
    } else {  // to the end of the data
      out.append(message.substr(at, end - at));
      at = end;
    }
  }
  if (layout.empty()) {
    if (!fits_service_binding(type, message.substr(at, end - at))) return false;
    out.append(message.substr(at, end - at));
    at = end;
  }
  return at == end && out.size() - start <= UINT16_MAX;
}

}  // namespace umaya::named
