// cidr tables: networks in the order of the file, with if … endif; the first one that holds the address wins.
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/net/cidr.h"
#include "libcommon/table/pattern.h"
#include "libcommon/table/source.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

struct CidrRule {
  RuleKind kind = RuleKind::match;
  int nesting = 0;
  bool negated = false;
  net::Network network{net::IpAddress{}, 0};
  std::string value{};
};

class CidrTable : public Table {
 public:
  CidrTable(std::string name, std::vector<CidrRule> rules, std::string path)
      : Table(std::move(name)), rules_(std::move(rules)), path_(std::move(path)) {
    if (!path_.empty()) identity_ = FileIdentity::of(path_);
  }
  Matching matching() const override { return Matching::pattern; }
  bool changed() const override { return !path_.empty() && !(FileIdentity::of(path_) == identity_); }

  std::optional<Lookup> lookup_now(std::string_view key) override {
    auto address = net::IpAddress::parse(key);
    if (!address) return Lookup();
    int nesting = 0;
    for (const CidrRule& rule : rules_) {
      if (nesting < rule.nesting) continue;
      if (rule.kind == RuleKind::end_if) {
        nesting = rule.nesting - 1;
      } else if (rule.network.contains(*address) != rule.negated) {
        if (rule.kind == RuleKind::match) return Lookup::of(rule.value);
        ++nesting;
      }
    }
    return Lookup();
  }

 private:
  std::vector<CidrRule> rules_;
  std::string path_;
  FileIdentity identity_;
};

bool takes_word(std::string_view& s, std::string_view word) {
  if (!istarts_with(s, word) || (s.size() > word.size() && ascii_alnum(s[word.size()]))) return false;
  s = trim(s.substr(word.size()));
  return true;
}

class CidrParser {
 public:
  explicit CidrParser(std::string map) : map_(std::move(map)) {}

  void add(std::string_view line, int number) {
    auto rule = parse(trim(line));
    if (!rule) {
      log::warning("cidr map {}, line {}: {}: skipping this rule", map_, number, rule.error().what);
      return;
    }
    if (rule->kind == RuleKind::begin_if) open_ifs_.push_back(number);
    if (rule->kind == RuleKind::end_if) open_ifs_.pop_back();
    rules_.push_back(std::move(*rule));
  }
  std::vector<CidrRule> finish() {
    for (; !open_ifs_.empty(); open_ifs_.pop_back()) {
      log::warning("cidr map {}, line {}: IF has no matching ENDIF", map_, open_ifs_.back());
    }
    return std::move(rules_);
  }

 private:
  Result<CidrRule> parse(std::string_view line) const {
    CidrRule rule;
    rule.nesting = static_cast<int>(open_ifs_.size());
    if (takes_word(line, "endif")) {
      rule.kind = RuleKind::end_if;
      if (!line.empty()) return permanent("garbage after ENDIF");
      if (open_ifs_.empty()) return permanent("ENDIF without IF");
      return rule;
    }
    if (takes_word(line, "if")) rule.kind = RuleKind::begin_if;
    for (; !line.empty() && line.front() == '!'; line.remove_prefix(1)) rule.negated = !rule.negated;
    line = trim(line);
    std::string_view pattern = line;
    if (rule.kind == RuleKind::match) {
      size_t end = 0;
      while (end < line.size() && !ascii_space(line[end])) ++end;
      pattern = line.substr(0, end);
      rule.value = std::string(trim(line.substr(end)));
      if (rule.value.empty()) return permanent("no lookup result");
    }
    if (pattern.empty()) return permanent("no address pattern");
    UMAYA_TRY(rule.network, net::parse_cidr(pattern));
    return rule;
  }

  std::string map_;
  std::vector<int> open_ifs_;
  std::vector<CidrRule> rules_;
};

}  // namespace

Opened open_cidr(const Options&, std::string name) {
  std::string path = name.substr(name.find(':') + 1);
  CidrParser parser(path);
  if (path.front() == '{') {
    UMAYA_TRY(auto rules, inline_rules("cidr", path));
    for (size_t i = 0; i < rules.size(); ++i) parser.add(rules[i], static_cast<int>(i) + 1);
    return std::make_unique<CidrTable>(std::move(name), parser.finish(), std::string{});
  }
  UMAYA_TRY(std::string text, read_source_file(path));
  LogicalLines lines(text);
  while (auto line = lines.next()) parser.add(line->text, line->first);
  return std::make_unique<CidrTable>(std::move(name), parser.finish(), std::move(path));
}

}  // namespace umaya::table
