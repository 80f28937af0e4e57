// NAME    reading - what the readers of single statements of named.conf share
//
// SYNOPSIS
//     constexpr Setting<UpdateConf> kSettings[] = {
//         {"request-ixfr", read_flag<&UpdateConf::request_ixfr>},
//         {"journal", read_text<&UpdateConf::journal>},
//     };
//     bool mine = apply_setting<UpdateConf>(kSettings, reading, statement, update);
//
// DESCRIPTION
//     Each subject of the configuration (transfer_conf, update_conf, …) is a plain struct and a table of the statements
//     that fill it. Options, a view and a zone fill the same struct one after the other: what the inner one does not
//     say stays as the outer one said it, or at its default. A value that is wrong is reported with its place and
//     leaves the member as it was.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/strings.h"
#include "named-lite/config/acl.h"
#include "named-lite/config/remote_servers.h"
#include "named-lite/config/tree.h"
#include "named-lite/dns/tsig.h"

namespace umaya::named {

/// A list that never changes once it is read. Shared, because the zones of a view have it from the view.
using AclRef = std::shared_ptr<const Acl>;
using std::chrono::seconds;

inline constexpr uint64_t kUnlimited = UINT64_MAX;

/// What the configuration has defined so far, and where faults are reported.
struct Reading {
  Problems& problems;
  AclNames& acls;
  const TsigKeys& keys;
  const ServerLists& servers;

  void error(const Statement& at, size_t part, std::string what, std::string cure = {}) const {
    problems.error(at.place(part), std::move(what), std::move(cure));
  }
  /// The block of a statement; nullptr after a report when there is none.
  const Part* block(const Statement& statement, std::string_view cure) const;
  /// `name { any; };`; null after a report.
  AclRef list(const Statement& statement) const;
  /// Reads `primaries [port 53] { 192.0.2.1; … };`.
  std::vector<RemoteServer> remote_servers(const Statement& statement) const;
  /// The number at a part, within limits; nothing after a report.
  std::optional<uint64_t> number(const Statement& statement, size_t part, uint64_t least, uint64_t most) const;
  /// yes, no, true, false, 1, 0.
  std::optional<bool> flag(const Statement& statement, size_t part = 1) const;
  /// A port from 1 to 65535.
  std::optional<uint16_t> port(const Statement& statement, size_t part) const;
  /// A name; nothing after a report.
  std::optional<Name> name(const Statement& statement, size_t part = 1) const;
  std::optional<net::IpAddress> address(const Statement& statement, size_t part = 1) const;
};

/// "3600", "1h30m", "2w" or "PT1H30M" as seconds.
std::optional<uint64_t> duration_from_text(std::string_view text);
/// "65536", "64k", "32M", "1G" as octets; "unlimited" is kUnlimited.
std::optional<uint64_t> size_from_text(std::string_view text);
/// yes, no, true, false, 1, 0.
std::optional<bool> flag_from_text(std::string_view text);

/// gethostname(2).
std::string name_of_host();
/// Octets of memory that this host has.
uint64_t memory_of_host();

/// One statement: its name, and what reads it into the struct.
template <class Target>
struct Setting {
  std::string_view name;
  void (*read)(const Reading&, const Statement&, Target&);
};

/// Reads a statement by the table that has it; false when it is not there.
template <class Target>
bool apply_setting(std::span<const Setting<Target>> table, const Reading& reading, const Statement& statement,
                   Target& target) {
  for (const Setting<Target>& each : table) {
    if (!iequals(each.name, statement.name())) continue;
    each.read(reading, statement, target);
    return true;
  }
  return false;
}

template <class T>
struct MemberOf;
template <class Struct, class Value>
struct MemberOf<Value Struct::*> {
  using Owner = Struct;
  using Type = Value;
};
template <auto Member>
using Owner = typename MemberOf<decltype(Member)>::Owner;
template <auto Member>
using Type = typename MemberOf<decltype(Member)>::Type;

/// Readers of plain values for the tables.
template <auto Member>
void read_flag(const Reading& reading, const Statement& statement, Owner<Member>& target) {
  if (auto value = reading.flag(statement)) target.*Member = *value;
}

template <auto Member, uint64_t Least, uint64_t Most>
void read_number(const Reading& reading, const Statement& statement, Owner<Member>& target) {
  if (auto value = reading.number(statement, 1, Least, Most)) {
    target.*Member = static_cast<Type<Member>>(*value);
  }
}

template <auto Member>
void read_text(const Reading& reading, const Statement& statement, Owner<Member>& target) {
  if (statement.parts.size() != 2 || statement.word(1).empty()) {
    return reading.error(statement, 0, statement.name() + " needs one word", statement.name() + " \"…\";");
  }
  target.*Member = std::string(statement.word(1));
}

template <auto Member>
void read_list(const Reading& reading, const Statement& statement, Owner<Member>& target) {
  if (AclRef list = reading.list(statement)) target.*Member = std::move(list);
}

/// A time in seconds or with units, from Least to Most seconds.
template <auto Member, uint64_t Least, uint64_t Most>
void read_duration(const Reading& reading, const Statement& statement, Owner<Member>& target) {
  auto value = duration_from_text(statement.word(1));
  if (!value || *value < Least || *value > Most) {
    return reading.error(statement, 1,
                         statement.name() + " is a time from " + std::to_string(Least) + " to " + std::to_string(Most) +
                             " seconds, as 3600 or 1h");
  }
  target.*Member = seconds(*value);
}

/// The same for statements that BIND counts in minutes.
template <auto Member, uint64_t Most>
void read_minutes(const Reading& reading, const Statement& statement, Owner<Member>& target) {
  if (auto value = reading.number(statement, 1, 1, Most)) target.*Member = seconds(*value * 60);
}

/// Octets: a number, with k, m or g, or unlimited. `default` changes nothing.
template <auto Member>
void read_size(const Reading& reading, const Statement& statement, Owner<Member>& target) {
  if (iequals(statement.word(1), "default")) return;
  auto value = size_from_text(statement.word(1));
  if (!value) {
    return reading.error(statement, 1, statement.name() + " is a size, as 65536, 64k, 32m, 1g or unlimited",
                         statement.name() + " 64m;");
  }
  target.*Member = static_cast<Type<Member>>(*value);
}

template <class Value>
struct Choice {
  std::string_view word;
  Value value;
};

/// The value of a word; nothing after a report that names all words.
template <class Value, size_t N>
std::optional<Value> choose(const Reading& reading, const Statement& statement, size_t part,
                            const Choice<Value> (&choices)[N]) {
  std::string words;
  for (const Choice<Value>& each : choices) {
    if (iequals(each.word, statement.word(part))) return each.value;
    words += (words.empty() ? "" : ", ") + std::string(each.word);
  }
  reading.error(statement, part, statement.name() + " is one of: " + words,
                statement.name() + " " + std::string(choices[0].word) + ";");
  return std::nullopt;
}

}  // namespace umaya::named
