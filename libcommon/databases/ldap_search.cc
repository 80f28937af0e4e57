// The search of ldap tables, with the entries that its results name.
#include <sys/time.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/databases/ldap_engine.h"

namespace umaya::databases {
namespace {

constexpr Duration kSearchLimit = std::chrono::seconds(60);

struct FreeValues {
  void operator()(berval** values) const { ldap_value_free_len(values); }
};
struct FreeName {
  void operator()(char* name) const { ldap_memfree(name); }
};
struct FreeElement {
  void operator()(BerElement* element) const { ber_free(element, 0); }
};
struct FreeUrl {
  void operator()(LDAPURLDesc* url) const { ldap_free_urldesc(url); }
};
using ValuesPtr = std::unique_ptr<berval*, FreeValues>;
using NamePtr = std::unique_ptr<char, FreeName>;
using ElementPtr = std::unique_ptr<BerElement, FreeElement>;
using UrlPtr = std::unique_ptr<LDAPURLDesc, FreeUrl>;

std::string_view view_of(const berval& value) {
  return {value.bv_val, value.bv_len};
}

/// "mail;lang-en" is a kind of "mail" (RFC 4512 section 2.5).
bool is_kind_of(std::string_view name, std::string_view wanted) {
  if (!istarts_with(name, wanted)) return false;
  return name.size() == wanted.size() || name[wanted.size()] == ';';
}

bool filter_quote(std::string_view value, Place, std::string& out) {
  out += filter_value(value);
  return true;
}

bool name_quote(std::string_view value, Place, std::string& out) {
  out += name_value(value);
  return true;
}

}  // namespace

size_t AttributeNames::index_of(std::string_view name) const {
  auto at =
      std::find_if(names.begin(), names.end(), [&](const std::string& wanted) { return is_kind_of(name, wanted); });
  return static_cast<size_t>(at - names.begin());
}

/// One look-up: the first search and those that follow from its results.
class LdapConnection::Search {
 public:
  Search(const LdapEngine& engine, LDAP* directory, const std::string& key)
      : engine_(engine), directory_(directory), results_(engine.plan, key), deadline_(kSearchLimit) {}

  Attempt run(const std::string& base, const std::string& filter) {
    MessagePtr found;
    int code = search(base.c_str(), engine_.scope, filter.c_str(), engine_.attributes.names, found);
    if (code == LDAP_NO_SUCH_OBJECT && !engine_.base.is_fixed()) return {};
    if (code != LDAP_SUCCESS) return failure(code, "search below \"" + base + "\"");
    if (!take_entries(found.get(), 1)) return std::move(problem_);
    return {Verdict::answered, results_.finish(), results_.saw_empty()};
  }

 private:
  /// What an entry has that decides how its attributes count.
  struct EntryKind {
    bool is_terminal = false;
    bool is_leaf = true;
  };

  int search(const char* base, int scope, const char* filter, const std::vector<std::string>& names,
             MessagePtr& found) {
    if (deadline_.is_over()) return LDAP_TIMEOUT;
    std::vector<char*> wanted;
    for (const std::string& name : names) wanted.push_back(const_cast<char*>(name.c_str()));
    wanted.push_back(nullptr);
    timeval limit{engine_.timeout, 0};
    int request = 0;
    int code = ldap_search_ext(directory_, base, scope, filter, wanted.data(), 0, nullptr, nullptr, &limit,
                               engine_.size_limit, &request);
    return code != LDAP_SUCCESS ? code : await_result(directory_, request, engine_.timeout, found);
  }

  /// False: problem_ says why it cannot go on.
  bool take_entries(LDAPMessage* found, size_t level) {
    int64_t count = 0;
    for (LDAPMessage* entry = ldap_first_entry(directory_, found); entry != nullptr;
         entry = ldap_next_entry(directory_, entry)) {
      if (engine_.size_limit > 0 && ++count > engine_.size_limit) return stop("more entries than size_limit allows");
      if (!take_entry(entry, level)) return false;
    }
    return true;
  }

  bool take_entry(LDAPMessage* entry, size_t level) {
    const EntryKind kind = kind_of(entry);
    BerElement* raw = nullptr;
    NamePtr name(ldap_first_attribute(directory_, entry, &raw));
    ElementPtr element(raw);
    for (; name; name.reset(ldap_next_attribute(directory_, entry, raw))) {
      ValuesPtr values(ldap_get_values_len(directory_, entry, name.get()));
      if (values && !take_values(values.get(), engine_.attributes.index_of(name.get()), kind, level)) return false;
    }
    return true;
  }

  EntryKind kind_of(LDAPMessage* entry) const {
    const AttributeNames& attributes = engine_.attributes;
    auto has_one = [&](size_t from, size_t to) {
      for (size_t i = from; i < to; ++i) {
        ValuesPtr values(ldap_get_values_len(directory_, entry, attributes.names[i].c_str()));
        if (values && ldap_count_values_len(values.get()) > 0) return true;
      }
      return false;
    };
    EntryKind kind;
    kind.is_terminal = has_one(0, attributes.terminal);
    bool asks_leaf = !kind.is_terminal && attributes.leaf > 0;
    kind.is_leaf = !asks_leaf || !has_one(attributes.results, attributes.names.size());
    return kind;
  }

  bool take_values(berval** values, size_t index, EntryKind kind, size_t level) {
    const AttributeNames& attributes = engine_.attributes;
    if (index >= attributes.names.size()) return true;
    if (kind.is_terminal && index >= attributes.terminal) return true;
    bool is_leaf_name = index < attributes.terminal + attributes.leaf;
    if (!kind.is_leaf && is_leaf_name) return true;
    for (; *values != nullptr; ++values) {
      if (index >= attributes.results) {
        if (!follow(view_of(**values), level)) return false;
      } else if (!results_.add(view_of(**values))) {
        problem_ = {Verdict::answered, results_.finish(), false};
        return false;
      }
    }
    return true;
  }

  /// A value of a special attribute: the name of an entry, or an URL of entries.
  bool follow(std::string_view value, size_t level) {
    if (level >= engine_.recursion_limit) return stop("more levels than recursion_limit allows");
    const std::string text(value);
    MessagePtr found;
    int code = LDAP_SUCCESS;
    if (ldap_is_ldap_url(text.c_str()) != 0) {
      LDAPURLDesc* raw = nullptr;
      if (ldap_url_parse(text.c_str(), &raw) != LDAP_URL_SUCCESS) return stop("malformed URL " + printable(text, true));
      UrlPtr url(raw);
      std::vector<std::string> names = names_of(*url);
      if (names.empty()) return true;
      code = search(url->lud_dn, url->lud_scope, url->lud_filter, names, found);
    } else {
      code = search(text.c_str(), LDAP_SCOPE_BASE, "objectclass=*", engine_.attributes.names, found);
    }
    if (code == LDAP_NO_SUCH_OBJECT) return true;
    if (code == LDAP_SUCCESS) return take_entries(found.get(), level + 1);
    problem_ = failure(code, "search of " + printable(text, true));
    return false;
  }

  /// Attributes that both the URL and the parameters name; all of the parameters', where the URL names none.
  std::vector<std::string> names_of(const LDAPURLDesc& url) const {
    if (url.lud_attrs == nullptr || *url.lud_attrs == nullptr) return engine_.attributes.names;
    std::vector<std::string> out;
    for (char** asked = url.lud_attrs; *asked != nullptr; ++asked) {
      for (const std::string& ours : engine_.attributes.names) {
        if (is_kind_of(ours, *asked)) {
          out.push_back(ours);
        } else if (is_kind_of(*asked, ours)) {
          out.emplace_back(*asked);
        }
      }
    }
    return out;
  }

  bool stop(std::string what) {
    problem_ = failed_attempt(Verdict::answered, std::move(what));
    return false;
  }

  static Attempt failure(int code, const std::string& what) {
    bool is_lost = code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR || code == LDAP_UNAVAILABLE;
    Verdict verdict = code == LDAP_TIMEOUT ? Verdict::silent : is_lost ? Verdict::lost : Verdict::refused;
    return failed_attempt(verdict, what + ": " + ldap_err2string(code));
  }

  const LdapEngine& engine_;
  LDAP* directory_;
  ResultList results_;
  Deadline deadline_;
  Attempt problem_;
};

LdapConnection::LdapConnection(const LdapEngine& engine, DirectoryPtr directory)
    : engine_(engine), directory_(std::move(directory)) {}

Attempt LdapConnection::ask(const std::string& key) {
  SplitKey split(key);
  std::string base, filter;
  engine_.base.fill(split, split, name_quote, base);
  engine_.filter.fill(split, split, filter_quote, filter);
  return Search(engine_, directory_.get(), key).run(base, filter);
}

}  // namespace umaya::databases
