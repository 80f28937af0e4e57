// NAME    statements - every statement that BIND documents for named.conf, and what named-lite does with it
//
// DESCRIPTION
//     One row for each name: where it may stand, and its effect. The checker, the documentation and the reader of
//     the configuration all use this table, so that nothing is accepted in silence.
#pragma once

#include <cstdint>
#include <string_view>

namespace umaya::named {

/// Where a statement stands; a row may name several.
namespace context {
inline constexpr unsigned kTop = 1, kOptions = 2, kView = 4, kZone = 8;
}  // namespace context

enum class Effect : unsigned char {
  used,      ///< acted on
  not_used,  ///< known, without effect here
  obsolete,  ///< taken out of BIND; without effect
};

struct StatementInfo {
  std::string_view name;
  unsigned contexts;
  Effect effect;
};

/// The row of a name in a context; nullptr when BIND knows no such statement there.
const StatementInfo* statement_info(std::string_view name, unsigned where);
/// The name most like it in that context; empty when none is near.
std::string_view nearest_statement(std::string_view name, unsigned where);

/// What the warning of an obsolete statement says.
inline constexpr std::string_view kIsObsolete = "is obsolete and has no effect";

}  // namespace umaya::named
