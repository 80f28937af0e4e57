// LINK umaya_smtp
// NAME    encodings_fuzz - base64, hexadecimal, xtext, status codes, DSN parameters: there and back
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/base/strings.h"
#include "libcommon/smtp/dsn.h"

using namespace umaya;
using namespace umaya::smtp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (base64_decode(base64_encode(text)) != text) std::abort();
  if (auto bytes = base64_decode(text); bytes && base64_encode(*bytes) != text) std::abort();
  if (hex_decode(hex_encode(text)) != text) std::abort();
  if (auto bytes = hex_decode(text); bytes && !iequals(hex_encode(*bytes), text)) std::abort();
  std::string xtext = xtext_encode(text);
  if (xtext.find_first_of(" =\r\n") != std::string::npos || !is_ascii(xtext)) std::abort();
  if (auto back = xtext_decode(xtext); back && *back != text) std::abort();
  for (auto decode : {xtext_decode, unitext_decode}) {
    auto plain = decode(text);
    if (plain && plain->find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos) std::abort();
  }
  DsnText parts = split_dsn(text, "5.0.0");
  if (!valid_dsn(parts.dsn)) std::abort();
  if (dsn_length(text) > 0 && dsn_with_class(parts.dsn, '4')[0] != '4') std::abort();
  if (auto notify = parse_notify(text); notify && parse_notify(format_notify(*notify)) != notify) std::abort();
  (void)parse_ret(text);
  if (auto orcpt = parse_orcpt(text)) (void)format_orcpt(orcpt->type, orcpt->address);
  std::string shown = printable(text, true);
  if (!valid_utf8(shown) || shown.find('\n') != std::string::npos) std::abort();
  if (!is_ascii(printable(text))) std::abort();
  (void)split_list(text);
  if (auto number = parse_int(text); number && std::to_string(*number).size() > size) std::abort();
  return 0;
}
