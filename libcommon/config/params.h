// NAME    params - the one table of parameters
//
// SYNOPSIS
//     const config::Param* row = config::find_param("smtpd_timeout");     // nullptr: not a parameter
//     for (const config::Param& row : config::all_params()) …
//
// DESCRIPTION
//     Every parameter that Postfix 3.7 to 3.12 knows, and ours, with default, kind, limits, readers and one sentence.
//     The rows stand in table/*.inc; from them come parsing and range checks (config.h, bind.h), postconf, the manual
//     page main.cf(5) and `umaya check`. used/<daemon>.inc name the parameters that a program of ours acts on.
//
// OWNERSHIP
//     Rows and their strings live as long as the process.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace umaya::config {

/// How the text of a value is read.
enum class Kind : unsigned char {
  text,          ///< any text
  boolean,       ///< yes or no
  integer,       ///< a whole number
  size,          ///< a number of bytes
  time,          ///< a number with a unit: s m h d w
  list,          ///< words separated by comma or white space; { … } keeps a word whole
  choice,        ///< one of some words
  choices,       ///< list of some words
  tables,        ///< list of type:name
  restrictions,  ///< list of access restrictions
  feedback,      ///< number, or number/concurrency, or number/sqrt_concurrency
  read_only,     ///< computed; a value in main.cf is without effect
};

/// Whether a setting changes what Umaya does.
enum class Effect : unsigned char {
  used,       ///< some program of ours acts on it
  built_in,   ///< what it would turn on or name is always there; the setting is accepted and needs no action
  no_effect,  ///< known, but nothing reads it yet: `umaya check` says so
};

/// Flags of a row.
inline constexpr unsigned kNonEmpty = 1;    ///< an empty value is an error
inline constexpr unsigned kRaw = 2;         ///< $name is left for the daemon to expand
inline constexpr unsigned kObsolete = 4;    ///< old name, not listed by postconf -d
inline constexpr unsigned kTransport = 8;   ///< listed only when master.cf has that transport
inline constexpr unsigned kPrototype = 16;  ///< "transport_SUFFIX" stands for <transport>_SUFFIX of any transport
inline constexpr unsigned kComputed = 32;   ///< the default is computed from this host

/// Limits of a number; 0 in both means none. unit is that of a time without one.
struct Limits {
  int64_t min = 0;
  int64_t max = 0;
  char unit = 's';
};

struct Param {
  std::string_view name;
  std::string_view default_value;  ///< an expression: $name and ${…} are expanded when read
  Kind kind;
  Limits limits;
  std::string_view services;  ///< who reads it: comma-separated program names of Postfix, or "all"
  std::string_view since;     ///< Postfix version, or "umaya"
  unsigned char tier;         ///< 1: everybody needs it … 4: obsolete
  std::string_view doc;       ///< one sentence without a final stop
  unsigned flags;
};

/// All rows, sorted by name.
std::span<const Param> all_params();
/// The row with exactly this name, or nullptr.
const Param* find_param(std::string_view name);
/// The prototype row for names like "uucp_destination_recipient_limit", or nullptr. What stands before the suffix
/// is a transport's name; whether such a transport exists is for the caller to know.
const Param* find_transport_prototype(std::string_view name);
/// find_param, else find_transport_prototype.
const Param* find_any_param(std::string_view name);
/// Whether something acts on the parameter; the effect of the prototype row counts for transport parameters.
Effect effect_of(const Param& row);
/// "yes or no", "a time such as 30s, 5m, 2h" … for error messages and manual pages.
std::string_view kind_name(Kind kind);

}  // namespace umaya::config
