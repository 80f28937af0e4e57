#include "libcommon/config/params.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace umaya::config {
namespace {

constexpr Param kRows[] = {
#include "libcommon/config/table/a_c.inc"
#include "libcommon/config/table/d_f.inc"
#include "libcommon/config/table/g_l.inc"
#include "libcommon/config/table/lmtp.inc"
#include "libcommon/config/table/m_o.inc"
#include "libcommon/config/table/p_r.inc"
#include "libcommon/config/table/postscreen.inc"
#include "libcommon/config/table/s.inc"
#include "libcommon/config/table/smtp.inc"
#include "libcommon/config/table/smtp_tls.inc"
#include "libcommon/config/table/smtpd.inc"
#include "libcommon/config/table/smtpd_tls.inc"
#include "libcommon/config/table/t_z.inc"
#include "libcommon/config/table/tls.inc"
};

constexpr std::string_view kPrototypePrefix = "transport_";

const std::vector<Param>& sorted_rows() {
  static const std::vector<Param> rows = [] {
    std::vector<Param> all(std::begin(kRows), std::end(kRows));
    std::sort(all.begin(), all.end(), [](const Param& a, const Param& b) { return a.name < b.name; });
    return all;
  }();
  return rows;
}

}  // namespace

std::span<const Param> all_params() {
  return sorted_rows();
}

const Param* find_param(std::string_view name) {
  const auto& rows = sorted_rows();
  auto at = std::lower_bound(rows.begin(), rows.end(), name,
                             [](const Param& row, std::string_view n) { return row.name < n; });
  return at != rows.end() && at->name == name ? &*at : nullptr;
}

const Param* find_transport_prototype(std::string_view name) {
  const Param* best = nullptr;
  for (const Param& row : kRows) {
    if (!(row.flags & kPrototype)) continue;
    std::string_view suffix = row.name.substr(kPrototypePrefix.size() - 1);  // with its leading underscore
    if (name.size() > suffix.size() && name.ends_with(suffix) && (!best || row.name.size() > best->name.size())) {
      best = &row;
    }
  }
  return best;
}

const Param* find_any_param(std::string_view name) {
  const Param* row = find_param(name);
  return row ? row : find_transport_prototype(name);
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::text:
      return "text";
    case Kind::boolean:
      return "yes or no";
    case Kind::integer:
      return "a whole number";
    case Kind::size:
      return "a number of bytes";
    case Kind::time:
      return "a time such as 30s, 5m, 2h, 1d or 1w";
    case Kind::list:
      return "a list of words";
    case Kind::choice:
      return "one word";
    case Kind::choices:
      return "a list of words";
    case Kind::tables:
      return "a list of type:name";
    case Kind::restrictions:
      return "a list of restrictions";
    case Kind::feedback:
      return "a number, or a number followed by /concurrency or /sqrt_concurrency";
    case Kind::read_only:
      return "text that is computed";
  }
  return "text";
}

}  // namespace umaya::config
