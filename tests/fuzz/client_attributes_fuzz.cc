// LINK smtpd_core
// NAME    client_attributes_fuzz - XCLIENT and XFORWARD; what is accepted is short and harmless in a header
#include <cstdint>

#include "libcommon/base/strings.h"
#include "libcommon/net/address.h"
#include "smtpd/client_attributes.h"

using namespace umaya;
using namespace umaya::smtpd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  for (const AttributeCommand& command : {kXclient, kXforward}) {
    auto attributes = parse_client_attributes(in, command);
    if (!attributes) {
      if (attributes.error().code != 501 || attributes.error().text.find('\n') != std::string::npos) __builtin_trap();
      continue;
    }
    for (const ClientAttribute& attribute : *attributes) {
      if ((attribute.known == Known::yes) == attribute.value.empty() || attribute.value.size() > 255) __builtin_trap();
      if (attribute.name == AttributeName::login) {  // goes into headers by way of safe_trace_text
        if (printable(attribute.value, true) != attribute.value) __builtin_trap();
        continue;
      }
      for (char c : attribute.value) {
        if (c <= ' ' || c > 126 || c == '<' || c == '>' || c == '@' || c == '"') __builtin_trap();
      }
      bool address = attribute.name == AttributeName::address && attribute.known == Known::yes;
      if (address && !net::IpAddress::parse(attribute.value)) __builtin_trap();
    }
  }
  return 0;
}
