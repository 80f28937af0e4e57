// NAME    query_template - queries and results with %s, %u, %d, %1 … %9 and their upper-case forms
//
// SYNOPSIS
//     UMAYA_TRY(auto query, Template::parse("SELECT x FROM y WHERE z = '%s'", Syntax::pgsql));
//     SplitKey key("user@example.com");
//     if (query.needs().met_by(key)) query.fill(key, key, quote, text);
//
// DESCRIPTION
//     %s is the whole key, %u and %d what stands before and behind its last @ (%u of a key without @ is the key), %1
//     the last label of the domain, %2 the one before it. In a result template these lower-case forms and %S %U %D %1 …
//     %9 differ: %s %u %d take the result, the others the key. %% is one %.
//
//     A template of SQL knows in what quotes each place stands, because the quotes decide how a value must be escaped.
//     Inside '…' a value is escaped by the database's own function; outside of quotes only digits may stand.
//
// ERRORS
//     Permanent: % with another letter; a place inside "…" in pgsql, where that is a name. sqlite takes "…" with a
//     place inside for a text, and so do we: it becomes '…'.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::databases {

/// A key or a result, and its parts. Borrows.
class SplitKey {
 public:
  explicit SplitKey(std::string_view whole);
  std::string_view whole() const { return whole_; }
  bool has_at() const { return has_at_; }
  /// Before the last @; without one, the whole.
  std::string_view user() const { return user_; }
  /// Behind the last @; may be empty.
  std::string_view domain() const { return domain_; }
  /// The n-th label of the domain from its end, from 1, empty ones not counted; empty when there is none.
  std::string_view label(size_t n) const;

 private:
  std::string_view whole_, user_, domain_;
  bool has_at_ = false;
};

/// What a key or result must have, so that all places of a template can be filled.
struct Needs {
  bool user = false;
  bool domain = false;
  size_t labels = 0;
  void add(const Needs& other);
  bool met_by(const SplitKey& key) const;
};

/// plain: results and LDAP. The others: how a dialect of SQL quotes.
enum class Syntax : unsigned char { plain, sqlite, pgsql, mysql };

/// Where a place stands.
enum class Place : unsigned char {
  plain,
  quoted,         ///< '%s'
  double_quoted,  ///< "%s", a text in mysql
  escaped,        ///< E'%s' of pgsql
  bare,           ///< outside of quotes, or in something else
};

/// Appends value to out in such a way that it means itself there; false when it cannot.
using Quote = std::function<bool(std::string_view value, Place place, std::string& out)>;

class Template {
 public:
  static Result<Template> parse(std::string_view text, Syntax syntax);
  /// What the lower-case forms and, in a query, all forms need.
  const Needs& needs() const { return needs_; }
  /// What %U %D %1 … %9 of a result need of the key.
  const Needs& key_needs() const { return key_needs_; }
  /// No places at all.
  bool is_fixed() const { return is_fixed_; }
  /// A place stands inside "…", or a backslash inside quotes.
  bool depends_on_mode() const { return depends_on_mode_; }
  /// Appends to out; false when a value cannot be quoted. value and key meet the needs; in a query they are the same.
  bool fill(const SplitKey& value, const SplitKey& key, const Quote& quote, std::string& out) const;

 private:
  friend class TemplateParser;
  enum class What : unsigned char { literal, whole, user, domain, key_whole, key_user, key_domain, label };
  struct Piece {
    What what = What::literal;
    std::string text;
    size_t label = 0;
    Place place = Place::plain;
  };
  static std::string_view value_of(const Piece& piece, const SplitKey& value, const SplitKey& key);
  std::vector<Piece> pieces_;
  Needs needs_, key_needs_;
  bool is_fixed_ = true;
  bool depends_on_mode_ = false;
};

/// RFC 4515 section 3: a value inside a search filter.
std::string filter_value(std::string_view value);
/// RFC 4514 section 2.4: a value inside a distinguished name.
std::string name_value(std::string_view value);
/// What may stand in any of these places without being quoted: digits where there are no quotes; letters, digits and
/// @ . _ + = - inside E'…'.
bool is_safe_in(std::string_view value, Place place);

}  // namespace umaya::databases
