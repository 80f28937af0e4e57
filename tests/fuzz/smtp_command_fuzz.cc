// LINK umaya_smtp
// NAME    smtp_command_fuzz - command lines and their parameters
#include <cstdint>
#include <string_view>

#include "libcommon/smtp/command.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::smtp;
  std::string_view line(reinterpret_cast<const char*>(data), size);
  Command command = parse_command(line);
  (void)parse_mail(command.rest, {.verp = true});
  if (auto rcpt = parse_rcpt(command.rest); rcpt && rcpt->orcpt) {
    // What was decoded must survive the way out and back (S27).
    auto again = parse_orcpt(format_orcpt("rfc822", rcpt->orcpt->address));
    if (again && again->address != rcpt->orcpt->address) __builtin_trap();
  }
  (void)parse_bdat(command.rest);
  return 0;
}
