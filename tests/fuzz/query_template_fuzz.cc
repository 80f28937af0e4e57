// LINK umaya_databases
// Parameters of databases, their templates, and what keys become in SQL and LDAP. The first line is the key, the second
// a result, the rest a .cf file. Whatever the query is: what SQLite makes of it with this key has as many tokens as
// with the key "x", or the key is not asked at all; so no key adds anything to a query.
#include <cstdint>
#include <cstdlib>

#include "libcommon/base/strings.h"
#include "libcommon/databases/lookup_plan.h"

namespace {

using namespace umaya;
using namespace umaya::databases;

bool quote(std::string_view value, Place place, std::string& out) {
  if (place != Place::quoted && !is_safe_in(value, place)) return false;
  for (char c : value) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return true;
}

/// How many pieces SQL sees in text: words, numbers, texts, names, comments, signs.
size_t pieces_of(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); ++count) {
    char c = text[at];
    if (c == '\'' || c == '"') {
      for (++at; at < text.size(); ++at) {
        if (text[at] != c) continue;
        if (at + 1 < text.size() && text[at + 1] == c) {
          ++at;
          continue;
        }
        break;
      }
      ++at;
    } else if (ascii_alnum(c)) {
      while (at < text.size() && ascii_alnum(text[at])) ++at;
    } else {
      ++at;
    }
  }
  return count;
}

std::string filled(const Template& query, std::string_view key) {
  std::string out;
  SplitKey split(key);
  Needs needs = query.needs();
  needs.add(query.key_needs());
  if (!needs.met_by(split)) return {};
  return query.fill(split, split, quote, out) ? out : std::string();
}

void check_sql(std::string_view text, std::string_view key) {
  auto query = Template::parse(text, Syntax::sqlite);
  if (!query) return;
  std::string plain = filled(*query, "1@1.1.1.1.1.1.1.1.1"), hostile = filled(*query, key);
  // A value of several words is one piece where it is quoted, and refused where it is not.
  bool has_comment = text.find("--") != std::string_view::npos || text.find("/*") != std::string_view::npos ||
                     text.find_first_of("`$[") != std::string_view::npos;
  if (plain.empty() || hostile.empty() || has_comment) return;
  if (pieces_of(plain) != pieces_of(hostile)) std::abort();
}

/// RFC 4515: nothing in a value can end it or be a pattern.
void check_filter(std::string_view key) {
  std::string value = filter_value(key);
  if (value.find_first_of("*()") != std::string::npos || value.find('\0') != std::string::npos) std::abort();
  for (size_t at = 0; (at = value.find('\\', at)) != std::string::npos; at += 3) {
    if (!hex_decode(std::string_view(value).substr(at + 1, 2))) std::abort();
  }
  std::string name = name_value(key);
  if (name.find_first_of(",+\"<>;=#") != std::string::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 8192) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t first = text.find('\n');
  if (first == std::string_view::npos) return 0;
  std::string_view key = text.substr(0, first), rest = text.substr(first + 1);
  size_t second = rest.find('\n');
  if (second == std::string_view::npos) return 0;
  std::string_view value = rest.substr(0, second), file = rest.substr(second + 1);
  check_filter(key);
  for (const char* name : {"sqlite:/x", "pgsql:/x", "mysql:/x", "ldap:/x"}) {
    auto parameters = Parameters::parse(file, name);
    if (!parameters) return 0;
    (void)check_parameters(*parameters);
    auto plan = LookupPlan::from(*parameters);
    if (plan && plan->needs.met_by(SplitKey(key))) {
      ResultList results(*plan, key);
      if (results.add(value)) (void)results.finish();
    }
  }
  auto parameters = Parameters::parse(file, "sqlite:/x");
  check_sql(parameters->text("query"), key);
  for (Syntax syntax : {Syntax::pgsql, Syntax::mysql, Syntax::plain}) {
    if (auto query = Template::parse(parameters->text("query"), syntax)) (void)filled(*query, key);
  }
  return 0;
}
