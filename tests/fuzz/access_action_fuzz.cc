// LINK smtpd_core
// NAME    access_action_fuzz - answers of access tables, and lists of restrictions
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/log/log.h"
#include "libcommon/smtp/dsn.h"
#include "smtpd/access_action.h"
#include "smtpd/restrictions.h"

using namespace umaya;
using namespace umaya::smtpd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  log::capture([](log::Level, std::string_view) {});
  std::string_view text(reinterpret_cast<const char*>(data), size);
  AccessAction action = parse_access_action(text);
  if (action.kind == ActionKind::reply && (action.code < 400 || action.code > 599)) std::abort();
  if (!action.dsn.empty() && !smtp::valid_dsn(action.dsn)) std::abort();
  RestrictionCompiler compiler({.open_maps = [](const std::string&) { return std::make_shared<table::Maps>(); },
                                .class_list = [text](std::string_view name) -> std::optional<std::string> {
                                  if (name != "mine" && name != "yours") return {};
                                  return std::string(text.substr(0, 200));  // classes that may name themselves
                                }});
  RuleList rules = compiler.compile("smtpd_client_restrictions", text.substr(0, 2000), Check::check_client_access);
  for (const Rule& rule : rules) {
    if (rule.check == Check::restriction_class && !rule.rules) std::abort();
  }
  (void)compiler.take_complaints();
  return 0;
}
