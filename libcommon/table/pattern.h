// NAME    pattern - rules of regexp and pcre tables: /pattern/flags result, if … endif (private to this folder)
//
// DESCRIPTION
//     parse_pattern_rules() reads a file, reports bad rules by line and leaves them out. A dialect compiles one
//     pattern. PatternTable walks the rules: the first one that matches gives the result, with $1, ${1}, $(1) replaced
//     by what the groups matched, and $$ by a dollar.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/table/open.h"
#include "libcommon/table/table.h"
#include "libcommon/table/types.h"

namespace umaya::table {

/// What each group matched, group 0 first; empty for a group that took no part.
using Groups = std::vector<std::string_view>;

/// A compiled pattern.
class Expression {
 public:
  virtual ~Expression() = default;
  /// A NUL stands behind subject. Fills groups when they are wanted (not null). An error of the matcher counts as no
  /// match, with a warning.
  virtual bool matches(std::string_view subject, Groups* groups) const = 0;
  virtual size_t group_count() const = 0;
};

/// What differs between regexp and pcre.
struct Dialect {
  std::string_view type;          ///< "regexp" or "pcre"
  std::string_view flag_letters;  ///< the option letters after the closing delimiter; each one toggles
  bool has_second_pattern;        ///< "/a/!/b/ result"
  std::string_view out_of_range;  ///< how a group number that cannot be is called
  std::string_view unclosed;      ///< what is said to be done with a rule without closing delimiter
  /// Compiles; toggled holds the letters that were given an odd number of times. The error is the text alone.
  Result<std::unique_ptr<Expression>> (*compile)(std::string_view pattern, std::string_view toggled);
};

/// One pattern with its negation.
struct Condition {
  std::unique_ptr<Expression> expression;
  bool negated = false;
  bool holds(std::string_view subject, Groups* groups) const { return expression->matches(subject, groups) != negated; }
};

/// "text $1 text": group is -1 for text.
struct ResultPiece {
  std::string text;
  int group = -1;
};

enum class RuleKind : unsigned char { match, begin_if, end_if };

struct PatternRule {
  RuleKind kind = RuleKind::match;
  int line = 0;
  int nesting = 0;
  std::optional<Condition> first;
  std::optional<Condition> second;
  std::vector<ResultPiece> result;
  bool has_groups = false;
};

/// "$1 text" in pieces. The error is the text of the warning.
Result<std::vector<ResultPiece>> parse_result(std::string_view text, std::string_view out_of_range);

/// text holds logical lines; when inline_rules is not empty those are the rules instead.
std::unique_ptr<Table> make_pattern_table(const Options& options, const Dialect& dialect, std::string name,
                                          std::string_view text, const std::vector<std::string>& inline_rules);
/// Opens "type:/file" or "type:{{rule}, {rule}}".
Opened open_pattern_table(const Options& options, const Dialect& dialect, std::string name);

/// The rules of "{{rule}, {rule}}"; error for bad syntax.
Result<std::vector<std::string>> inline_rules(std::string_view type, std::string_view name);

}  // namespace umaya::table
