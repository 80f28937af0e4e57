// LINK named-lite_core
// NAME    named_conf_fuzz - any configuration text is read without harm, and reads the same when it is printed
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "named-lite/config/acl.h"
#include "named-lite/config/named_conf.h"
#include "named-lite/config/print.h"

using namespace umaya::named;

namespace {

void print_and_read_again(const std::vector<Statement>& top) {
  std::string printed = print_conf(top, Secrets::shown);
  Problems problems;
  std::vector<Statement> again = parse_config_text(printed, "p", {}, problems);
  if (problems.has_errors() || !same_statements(top, again)) abort();
  if (print_conf(again, Secrets::shown) != printed) abort();
}

/// A process that gets the text without secrets reads it with as few errors.
void read_without_secrets(const std::vector<Statement>& top, size_t errors) {
  Problems parsing;
  Problems reading;
  read_named_conf(parse_config_text(print_conf(top, Secrets::blank), "p", {}, parsing), reading);
  if (parsing.has_errors() || reading.errors() > errors) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // The kernel would be asked for the interfaces several times for each text.
  static const KnownInterfaces interfaces(
      {{*umaya::net::IpAddress::parse("127.0.0.1"), 8}, {*umaya::net::IpAddress::parse("2001:db8::1"), 64}});
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Problems problems;
  OpenFile included = [](std::string_view) -> umaya::Result<std::string> {
    return std::string("zone \"i\" { type primary; file \"f\"; };");
  };
  std::vector<Statement> top = parse_config_text(text, "c", included, problems);
  bool whole = !problems.has_errors();
  if (whole) print_and_read_again(top);
  read_named_conf(top, problems);
  if (whole) read_without_secrets(top, problems.errors());
  for (const Problem& problem : problems.all()) (void)problem.text();
  return 0;
}
