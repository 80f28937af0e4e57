// regexp tables: POSIX extended regular expressions, without regard to case unless the rule says otherwise.
#include <regex.h>

#include "libcommon/log/log.h"
#include "libcommon/table/pattern.h"

namespace umaya::table {
namespace {

/// glibc doubles what a sign of repetition stands behind, so "a++++…" takes memory by powers of two.
constexpr int kMostRepetitions = 8;

/// Whether more signs of repetition follow one another than any sensible pattern has.
bool repeats_too_much(std::string_view pattern) {
  int run = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
      run = 0;
    } else if (pattern[i] == '+' || pattern[i] == '*' || pattern[i] == '?') {
      if (++run > kMostRepetitions) return true;
    } else if (pattern[i] != '(' && pattern[i] != ')') {
      run = 0;
    }
  }
  return false;
}

class PosixExpression : public Expression {
 public:
  ~PosixExpression() override {
    if (compiled_) regfree(&regex_);
  }
  PosixExpression() = default;

  Result<> compile(const std::string& pattern, int flags) {
    if (repeats_too_much(pattern)) return permanent("more than 8 signs of repetition (+ * ?) behind one another");
    int error = regcomp(&regex_, pattern.c_str(), flags);
    compiled_ = error == 0;
    if (compiled_) return {};
    char why[256];
    regerror(error, &regex_, why, sizeof why);
    return permanent(why);
  }
  bool matches(std::string_view subject, Groups* groups) const override {
    std::vector<regmatch_t> found(groups == nullptr ? 1 : regex_.re_nsub + 1);
    found[0] = {0, static_cast<regoff_t>(subject.size())};
    int error = regexec(&regex_, subject.data(), found.size(), found.data(), REG_STARTEND);
    if (error == REG_ESPACE) log::warning("regexp: out of memory, expression skipped");
    if (error != 0) return false;
    if (groups == nullptr) return true;
    groups->clear();
    for (const regmatch_t& m : found) {
      groups->push_back(m.rm_so < 0
                            ? std::string_view{}
                            : subject.substr(static_cast<size_t>(m.rm_so), static_cast<size_t>(m.rm_eo - m.rm_so)));
    }
    return true;
  }
  size_t group_count() const override { return regex_.re_nsub; }

 private:
  regex_t regex_{};
  bool compiled_ = false;
};

Result<std::unique_ptr<Expression>> compile_posix(std::string_view pattern, std::string_view toggled) {
  int flags = REG_EXTENDED | REG_ICASE;
  for (char letter : toggled) flags ^= letter == 'i' ? REG_ICASE : letter == 'm' ? REG_NEWLINE : REG_EXTENDED;
  auto out = std::make_unique<PosixExpression>();
  UMAYA_CHECK(out->compile(std::string(pattern), flags));
  return out;
}

constexpr Dialect kRegexp = {"regexp", "imx", true, "out-of-range", "skipping this rule", compile_posix};

}  // namespace

Opened open_regexp(const Options& options, std::string name) {
  return open_pattern_table(options, kRegexp, std::move(name));
}

}  // namespace umaya::table
