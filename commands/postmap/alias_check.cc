#include "commands/postmap/alias_check.h"

#include <algorithm>
#include <set>

#include "libcommon/base/strings.h"
#include "libcommon/base/users.h"
#include "libcommon/log/log.h"
#include "libcommon/message/tokens.h"
#include "libcommon/table/search.h"

namespace umaya::postmap {
namespace {

/// The local names among the items of an alias value; other items come out empty.
std::vector<std::string> local_names(std::string_view value) {
  std::vector<std::string> out;
  message::Tokens item;
  auto finish = [&] {
    bool is_name = !item.empty();
    std::string text;
    for (const message::Token& token : item) {
      bool plain = token.is_word() || token.is('.');
      is_name = is_name && plain;
      if (plain) text += token.is('.') ? "." : token.text;
    }
    if (is_name && (text.front() == '|' || text.front() == '/')) is_name = false;
    out.push_back(is_name ? text : std::string{});
    item.clear();
  };
  for (message::Token& token : message::scan_tokens(value, SIZE_MAX)) {
    if (token.is(',')) {
      finish();
    } else if (token.kind != message::TokenKind::comment) {
      item.push_back(std::move(token));
    }
  }
  finish();
  return out;
}

/// Levenshtein distance, given up above limit.
size_t distance(std::string_view a, std::string_view b, size_t limit) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit) return limit + 1;
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t corner = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = corner + (ascii_lower(a[i - 1]) == ascii_lower(b[j - 1]) ? 0 : 1);
      corner = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string similar_name(std::string_view name, const std::vector<std::string>& known) {
  size_t limit = name.size() >= 6 ? 2 : name.size() >= 4 ? 1 : 0;
  std::string best;
  for (const std::string& one : known) {
    size_t d = distance(name, one, limit);
    if (d == 0 || d > limit) continue;
    if (d < limit) limit = d;
    if (best.empty() || d <= limit) best = one;
  }
  return best;
}

std::vector<std::string> user_names(const config::Config& config) {
  std::string path = config.get("passwd_file");
  auto text = table::read_source_file(path.empty() ? "/etc/passwd" : path);
  std::vector<std::string> out;
  if (!text) return out;
  for (std::string_view line : split(*text, "\n")) {
    if (auto user = parse_passwd_line(line)) out.push_back(user->name);
  }
  return out;
}

}  // namespace

std::vector<MissingName> find_missing_names(const std::vector<table::SourceEntry>& entries,
                                            const std::function<bool(std::string_view)>& exists,
                                            const std::vector<std::string>& users) {
  std::vector<MissingName> out;
  for (const table::SourceEntry& entry : entries) {
    std::vector<std::string> names = local_names(entry.value);
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string& name = names[i];
      if (name.empty() || exists(name)) continue;
      MissingName missing{entry.line, entry.key, name, {}};
      std::string joined = i + 1 < names.size() && !names[i + 1].empty() ? name + "." + names[i + 1] : std::string{};
      if (!joined.empty() && exists(joined)) {
        missing.name = name + "," + names[i + 1];
        missing.cure = "write \"" + joined + "\" instead of \"" + missing.name + "\"";
        ++i;
      } else if (std::string similar = similar_name(name, users); !similar.empty()) {
        missing.cure = "is \"" + similar + "\" meant?";
      }
      out.push_back(std::move(missing));
    }
  }
  return out;
}

void report_missing_names(const config::Config& config, const std::string& path,
                          const std::vector<table::SourceEntry>& entries) {
  use_passwd_file(config.get("passwd_file"));
  std::set<std::string> keys;
  for (const table::SourceEntry& entry : entries) keys.insert(table::fold_case(entry.key));
  table::AddressRules rules;
  rules.delimiters = config.get("recipient_delimiter");
  bool could_ask = true;
  auto is_name = [&](std::string_view name) {
    if (keys.contains(table::fold_case(name))) return true;
    auto user = find_user_entry(table::fold_case(name));
    could_ask = could_ask && user.has_value();
    return !user || user->has_value();
  };
  table::Options options = table::options_from(config);
  std::vector<std::unique_ptr<table::Table>> others;
  for (const std::string& spec : config.get_list("alias_maps")) {
    if (spec.ends_with(path)) continue;
    if (auto other = table::open(options, spec)) others.push_back(std::move(*other));
  }
  auto exists = [&](std::string_view name) {
    if (is_name(name)) return true;
    size_t extension = table::extension_start(name, rules);
    if (extension != std::string_view::npos && is_name(name.substr(0, extension))) return true;
    return std::any_of(others.begin(), others.end(), [&](auto& table) {
      auto answer = table->lookup_now(name);
      return !answer || !answer->missing();
    });
  };
  std::vector<std::string> known(keys.begin(), keys.end());
  for (std::string& user : user_names(config)) known.push_back(std::move(user));
  for (const MissingName& missing : find_missing_names(entries, exists, known)) {
    log::warning("{}, line {}: {}: \"{}\" exists nowhere: no alias and no user has this name{}{}", path, missing.line,
                 missing.alias, missing.name, missing.cure.empty() ? "" : "; ", missing.cure);
  }
}

}  // namespace umaya::postmap
