// Which parameters have an effect: used/<program>.inc lists the names that a program binds or asks for.
#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "libcommon/config/params.h"

namespace umaya::config {
namespace {

constexpr std::string_view kUsed[] = {
#include "libcommon/config/used/bounce.inc"
#include "libcommon/config/used/cleanup.inc"
#include "libcommon/config/used/commands.inc"
#include "libcommon/config/used/config.inc"
#include "libcommon/config/used/daemon.inc"
#include "libcommon/config/used/local.inc"
#include "libcommon/config/used/names.inc"
#include "libcommon/config/used/qmgr.inc"
#include "libcommon/config/used/route.inc"
#include "libcommon/config/used/smtp.inc"
#include "libcommon/config/used/smtpd.inc"
#include "libcommon/config/used/submission.inc"
#include "libcommon/config/used/table.inc"
#include "libcommon/config/used/tls.inc"
};

constexpr std::string_view kBuiltIn[] = {
#include "libcommon/config/used/built_in.inc"
};

std::vector<std::string_view> sorted(const std::string_view* first, const std::string_view* last) {
  std::vector<std::string_view> names(first, last);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Effect effect_of(const Param& row) {
  static const auto used = sorted(std::begin(kUsed), std::end(kUsed));
  static const auto built_in = sorted(std::begin(kBuiltIn), std::end(kBuiltIn));
  if (row.kind == Kind::read_only) return Effect::built_in;
  if (std::binary_search(used.begin(), used.end(), row.name)) return Effect::used;
  if (std::binary_search(built_in.begin(), built_in.end(), row.name)) return Effect::built_in;
  return Effect::no_effect;
}

}  // namespace umaya::config
