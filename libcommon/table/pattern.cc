#include "libcommon/table/pattern.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/table/source.h"

namespace umaya::table {
namespace {

void skip_space(std::string_view& s) {
  while (!s.empty() && ascii_space(s.front())) s.remove_prefix(1);
}

/// "if" or "endif" at the start, not followed by a letter or digit.
bool takes_keyword(std::string_view& s, std::string_view word) {
  if (!istarts_with(s, word) || (s.size() > word.size() && ascii_alnum(s[word.size()]))) return false;
  s.remove_prefix(word.size());
  skip_space(s);
  return true;
}

class RuleParser {
 public:
  RuleParser(const Options& options, const Dialect& dialect, std::string_view map_name)
      : options_(options), dialect_(dialect), map_(map_name) {}

  void add(std::string_view line, int number) {
    line_ = number;
    if (auto rule = parse(line)) {
      if (rule->kind == RuleKind::begin_if) open_ifs_.push_back(rule->line);
      if (rule->kind == RuleKind::end_if) open_ifs_.pop_back();
      rules_.push_back(std::move(*rule));
    }
  }
  std::vector<PatternRule> finish() {
    for (; !open_ifs_.empty(); open_ifs_.pop_back()) {
      line_ = open_ifs_.back();
      warn("IF has no matching ENDIF");
    }
    return std::move(rules_);
  }

 private:
  void warn(std::string_view what) const { log::warning("{} map {}, line {}: {}", dialect_.type, map_, line_, what); }

  std::optional<PatternRule> parse(std::string_view line) {
    PatternRule rule;
    rule.line = line_;
    rule.nesting = static_cast<int>(open_ifs_.size());
    if (!line.empty() && !ascii_alnum(line.front())) return parse_match(line, std::move(rule));
    if (takes_keyword(line, "if")) return parse_if(line, std::move(rule));
    if (takes_keyword(line, "endif")) return parse_endif(line, std::move(rule));
    warn("ignoring unrecognized request");
    return {};
  }

  std::optional<PatternRule> parse_match(std::string_view line, PatternRule rule) {
    if (!parse_conditions(line, rule)) return {};
    skip_space(line);
    if (line.empty()) warn("no replacement text: using empty string");
    auto result = parse_result(trim(line), dialect_.out_of_range);
    if (!result) {
      if (result.error().what.find(" index ") != std::string::npos) {
        warn(result.error().what);
      } else {
        log::warning("{}", result.error().what);
      }
      warn("bad replacement syntax: skipping this rule");
      return {};
    }
    rule.result = std::move(*result);
    return check_groups(rule) ? std::optional(std::move(rule)) : std::nullopt;
  }

  bool check_groups(PatternRule& rule) {
    for (const ResultPiece& piece : rule.result) {
      if (piece.group < 0) continue;
      rule.has_groups = true;
      if (options_.substitution == Substitution::refused) {
        warn("regular expression substitution is not allowed: skipping this rule");
        return false;
      }
      if (rule.first->negated) {
        warn("$number found in negative match replacement text: skipping this rule");
        return false;
      }
      if (static_cast<size_t>(piece.group) > rule.first->expression->group_count()) {
        warn("out of range replacement index \"" + std::to_string(piece.group) + "\": skipping this rule");
        return false;
      }
    }
    return true;
  }

  std::optional<PatternRule> parse_if(std::string_view line, PatternRule rule) {
    rule.kind = RuleKind::begin_if;
    if (!parse_conditions(line, rule)) return {};
    skip_space(line);
    if (!line.empty()) {
      warn("ignoring extra text after IF statement: \"" + std::string(line) + "\"");
      warn("do not prepend whitespace to statements between IF and ENDIF");
    }
    return rule;
  }

  std::optional<PatternRule> parse_endif(std::string_view line, PatternRule rule) {
    if (open_ifs_.empty()) {
      warn("ignoring ENDIF without matching IF");
      return {};
    }
    if (!line.empty()) warn("ignoring extra text after ENDIF");
    rule.kind = RuleKind::end_if;
    return rule;
  }

  bool parse_conditions(std::string_view& line, PatternRule& rule) {
    rule.first = parse_condition(line);
    if (!rule.first) return false;
    if (!dialect_.has_second_pattern || line.empty() || line.front() != '!') return true;
    rule.second = parse_condition(line);
    return rule.second.has_value();
  }

  std::optional<Condition> parse_condition(std::string_view& line) {
    Condition out;
    for (; !line.empty() && line.front() == '!'; line.remove_prefix(1)) out.negated = !out.negated;
    skip_space(line);
    if (line.empty()) {
      warn("no regexp: skipping this rule");
      return {};
    }
    char delimiter = line.front();
    size_t end = 1;
    for (; end < line.size() && line[end] != delimiter; ++end) {
      if (line[end] == '\\' && ++end == line.size()) break;
    }
    if (end >= line.size()) {
      warn(std::string("no closing regexp delimiter \"") + delimiter + "\": " + std::string(dialect_.unclosed));
      return {};
    }
    std::string_view pattern = line.substr(1, end - 1);
    line.remove_prefix(end + 1);
    auto toggled = parse_flags(line);
    if (!toggled) return {};
    auto compiled = dialect_.compile(pattern, *toggled);
    if (!compiled) {
      warn(compiled.error().what);
      return {};
    }
    out.expression = std::move(*compiled);
    return out;
  }

  std::optional<std::string> parse_flags(std::string_view& line) {
    std::string toggled;
    for (; !line.empty() && !ascii_space(line.front()); line.remove_prefix(1)) {
      char letter = line.front();
      if (letter == '!' && dialect_.has_second_pattern) break;
      if (dialect_.flag_letters.find(letter) == std::string_view::npos) {
        warn(std::string("unknown regexp option \"") + letter + "\": skipping this rule");
        return {};
      }
      size_t before = toggled.find(letter);
      if (before == std::string::npos) {
        toggled += letter;
      } else {
        toggled.erase(before, 1);
      }
    }
    return toggled;
  }

  const Options& options_;
  const Dialect& dialect_;
  std::string_view map_;
  int line_ = 0;
  std::vector<int> open_ifs_;
  std::vector<PatternRule> rules_;
};

class PatternTable : public Table {
 public:
  PatternTable(std::string name, std::vector<PatternRule> rules, std::string path)
      : Table(std::move(name)), rules_(std::move(rules)), path_(std::move(path)) {
    if (!path_.empty()) identity_ = FileIdentity::of(path_);
  }
  Matching matching() const override { return Matching::pattern; }
  bool changed() const override { return !path_.empty() && !(FileIdentity::of(path_) == identity_); }

  std::optional<Lookup> lookup_now(std::string_view key) override {
    const std::string subject(key);  // expressions may count on a NUL behind it (regexec under AddressSanitizer does)
    int nesting = 0;
    Groups groups;
    for (const PatternRule& rule : rules_) {
      if (nesting < rule.nesting) continue;
      if (rule.kind == RuleKind::end_if) {
        nesting = rule.nesting - 1;
        continue;
      }
      if (!rule.first->holds(subject, rule.has_groups ? &groups : nullptr)) continue;
      if (rule.second && !rule.second->holds(subject, nullptr)) continue;
      if (rule.kind == RuleKind::match) return Lookup::of(expand(rule, groups));
      ++nesting;
    }
    return Lookup();
  }

 private:
  static std::string expand(const PatternRule& rule, const Groups& groups) {
    std::string out;
    for (const ResultPiece& piece : rule.result) {
      if (piece.group < 0) {
        out += piece.text;
      } else if (static_cast<size_t>(piece.group) < groups.size()) {
        out += groups[static_cast<size_t>(piece.group)];
      }
    }
    return out;
  }

  std::vector<PatternRule> rules_;
  std::string path_;
  FileIdentity identity_;
};

/// The name in "$name", "${name}", "$(name)" and what follows it.
Result<std::string_view> take_name(std::string_view whole, std::string_view& rest) {
  auto quoted = [&] { return "\"" + std::string(whole) + "\""; };
  if (!rest.empty() && (rest.front() == '{' || rest.front() == '(')) {
    char open = rest.front(), close = open == '{' ? '}' : ')';
    int depth = 0;
    for (size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == open) ++depth;
      if (rest[i] != close || --depth > 0) continue;
      std::string_view name = rest.substr(1, i - 1);
      rest.remove_prefix(i + 1);
      if (name.empty()) return permanent("empty macro name: " + quoted());
      return name;
    }
    return permanent("truncated macro reference: " + quoted());
  }
  size_t end = 0;
  while (end < rest.size() && (ascii_alnum(rest[end]) || rest[end] == '_')) ++end;
  std::string_view name = rest.substr(0, end);
  rest.remove_prefix(end);
  if (name.empty()) return permanent("empty macro name: " + quoted());
  return name;
}

}  // namespace

Result<std::vector<ResultPiece>> parse_result(std::string_view text, std::string_view out_of_range) {
  std::vector<ResultPiece> out;
  std::string plain;
  std::string_view rest = text;
  while (!rest.empty()) {
    char c = rest.front();
    rest.remove_prefix(1);
    if (c != '$' || (!rest.empty() && rest.front() == '$')) {
      if (c == '$') rest.remove_prefix(1);
      plain += c;
      continue;
    }
    UMAYA_TRY(std::string_view name, take_name(text, rest));
    auto number = parse_uint(name);
    if (!number) return permanent("non-numeric replacement index \"" + std::string(name) + "\"");
    if (*number < 1 || *number > 99)
      return permanent(std::string(out_of_range) + " replacement index \"" + std::string(name) + "\"");
    if (!plain.empty()) out.push_back({std::exchange(plain, {}), -1});
    out.push_back({{}, static_cast<int>(*number)});
  }
  if (!plain.empty()) out.push_back({std::move(plain), -1});
  return out;
}

std::unique_ptr<Table> make_pattern_table(const Options& options, const Dialect& dialect, std::string name,
                                          std::string_view text, const std::vector<std::string>& rules) {
  std::string path = name.substr(name.find(':') + 1);
  RuleParser parser(options, dialect, path);
  for (size_t i = 0; i < rules.size(); ++i) parser.add(rules[i], static_cast<int>(i) + 1);
  if (!rules.empty()) return std::make_unique<PatternTable>(std::move(name), parser.finish(), std::string{});
  LogicalLines lines(text);
  while (auto line = lines.next()) parser.add(trim(line->text), line->first);
  return std::make_unique<PatternTable>(std::move(name), parser.finish(), std::move(path));
}

Result<std::vector<std::string>> inline_rules(std::string_view type, std::string_view name) {
  std::string map = std::string(type) + " map";
  auto inner = inside_braces(name);
  if (!inner) return permanent(map + ": missing '}' in \"" + std::string(name) + "\"");
  std::vector<std::string> out;
  for (std::string_view element : split_list(*inner)) {
    auto rule = inside_braces(element);
    if (!rule) return permanent(map + ": no '{' at start of text in \"" + std::string(element) + "\"");
    out.emplace_back(*rule);
  }
  if (out.empty()) return permanent(map + ": no rules in \"" + std::string(name) + "\"; need \"{{rule}, {rule}}\"");
  return out;
}

Opened open_pattern_table(const Options& options, const Dialect& dialect, std::string name) {
  std::string path = name.substr(name.find(':') + 1);
  if (path.front() == '{') {
    UMAYA_TRY(auto rules, inline_rules(dialect.type, path));
    return make_pattern_table(options, dialect, std::move(name), {}, rules);
  }
  UMAYA_TRY(std::string text, read_source_file(path));
  return make_pattern_table(options, dialect, std::move(name), text, {});
}

}  // namespace umaya::table
