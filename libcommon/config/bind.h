// NAME    bind - fill a struct from the configuration
//
// SYNOPSIS
//     struct Params { std::string banner; Duration timeout{}; int64_t error_limit = 0; bool helo_required = false; };
//     inline constexpr auto kBindings = config::bindings<Params>({
//         {"smtpd_banner", &Params::banner},
//         {"smtpd_timeout", &Params::timeout},
//         {"smtpd_hard_error_limit", &Params::error_limit},
//         {"smtpd_helo_required", &Params::helo_required},
//         {"smtpd_forbid_bare_newline", &set_bare_newline},   // Result<> (*)(Params&, const std::string& value)
//     });
//     UMAYA_CHECK(config::bind(config, kBindings, params));
//
// DESCRIPTION
//     Default, limits and unit come from the parameter table; the rows here only say where a value goes. Names that a
//     daemon binds are listed in used/<daemon>.inc; check_bindings() finds what is missing there, for a unit test.
//
// ERRORS
//     bind() stops at the first bad value: permanent, with file, line, parameter and cure.
#pragma once

#include <array>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libcommon/config/config.h"

namespace umaya::config {

template <class P>
using Setter = Result<> (*)(P&, const std::string& value);

/// Where a value can go.
template <class P>
using Target = std::variant<bool P::*, int P::*, unsigned P::*, int64_t P::*, uint64_t P::*, Duration P::*,
                            std::chrono::seconds P::*, std::string P::*, std::vector<std::string> P::*, Setter<P>>;

/// One row: parameter and target. Integer targets take integer and size rows, Duration takes time rows.
template <class P>
struct Binding {
  std::string_view name;
  Target<P> target;

  template <class T>
  constexpr Binding(std::string_view parameter, T P::*member) : name(parameter), target(member) {}
  constexpr Binding(std::string_view parameter, Setter<P> setter) : name(parameter), target(setter) {}
};

/// Makes the table of a daemon; see SYNOPSIS.
template <class P, size_t N>
constexpr std::array<Binding<P>, N> bindings(const Binding<P> (&rows)[N]) {
  return std::to_array(rows);
}

namespace detail {

template <class T>
Result<> assign(const Config& config, std::string_view name, T& out) {
  if constexpr (std::is_same_v<T, bool>) {
    UMAYA_TRY(out, config.get_bool(name));
  } else if constexpr (std::is_integral_v<T>) {
    UMAYA_TRY(int64_t value, config.get_int(name));
    if (!std::in_range<T>(value)) return config.bad_value(name, "the number is out of range");
    out = static_cast<T>(value);
  } else if constexpr (std::is_same_v<T, Duration>) {
    UMAYA_TRY(out, config.get_time(name));
  } else if constexpr (std::is_same_v<T, std::chrono::seconds>) {
    UMAYA_TRY(Duration value, config.get_time(name));
    out = std::chrono::duration_cast<std::chrono::seconds>(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    out = config.get(name);
    const Param* row = find_any_param(name);
    if (row && (row->flags & kNonEmpty) && out.empty()) return config.bad_value(name, "the value may not be empty");
  } else {
    out = config.get_list(name);
  }
  return {};
}

/// The kinds of rows that a target of type T can take.
template <class T>
constexpr bool kind_fits(Kind kind) {
  if constexpr (std::is_same_v<T, bool>) {
    return kind == Kind::boolean;
  } else if constexpr (std::is_integral_v<T>) {
    return kind == Kind::integer || kind == Kind::size;
  } else if constexpr (std::is_same_v<T, Duration> || std::is_same_v<T, std::chrono::seconds>) {
    return kind == Kind::time;
  } else {
    return kind != Kind::boolean && kind != Kind::integer && kind != Kind::size && kind != Kind::time;
  }
}

}  // namespace detail

/// Sets every bound member of params.
template <class P, size_t N>
Result<> bind(const Config& config, const std::array<Binding<P>, N>& rows, P& params) {
  for (const Binding<P>& row : rows) {
    UMAYA_CHECK(std::visit(
        [&](auto target) -> Result<> {
          if constexpr (std::is_same_v<decltype(target), Setter<P>>) {
            auto result = target(params, config.get(row.name));
            return result ? Result<>{} : config.bad_value(row.name, result.error().what);
          } else {
            return detail::assign(config, row.name, params.*target);
          }
        },
        row.target));
  }
  return {};
}

/// What is wrong with a table of bindings: names that no row has, kinds that do not fit, names missing in used/*.inc,
/// names bound twice. Empty when all is well.
template <class P, size_t N>
std::vector<std::string> check_bindings(const std::array<Binding<P>, N>& rows) {
  std::vector<std::string> problems;
  StringMap<int> seen;
  for (const Binding<P>& binding : rows) {
    std::string name(binding.name);
    const Param* row = find_any_param(name);
    if (!row) {
      problems.push_back(name + ": not in the parameter table");
      continue;
    }
    bool fits = std::visit(
        [&](auto target) {
          if constexpr (std::is_same_v<decltype(target), Setter<P>>) {
            return true;
          } else {
            return detail::kind_fits<std::remove_cvref_t<decltype(std::declval<P&>().*target)>>(row->kind);
          }
        },
        binding.target);
    if (!fits) problems.push_back(name + ": the member's type does not fit " + std::string(kind_name(row->kind)));
    if (effect_of(*row) == Effect::no_effect) problems.push_back(name + ": not in libcommon/config/used/*.inc");
    if (seen[name]++ > 0) problems.push_back(name + ": bound twice");
  }
  return problems;
}

}  // namespace umaya::config
