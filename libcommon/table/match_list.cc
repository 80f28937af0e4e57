#include "libcommon/table/match_list.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/net/cidr.h"
#include "libcommon/table/source.h"

namespace umaya::table {
namespace {

constexpr int kMaxFileDepth = 10;

/// "type:name", as opposed to "2001:db8::1" and "[::1]/128".
bool is_table(std::string_view item) {
  size_t colon = item.find(':');
  if (colon == std::string_view::npos || colon == 0 || item.front() == '[') return false;
  if (net::parse_cidr(item)) return false;
  std::string_view type = item.substr(0, colon);
  auto names = type_names();
  return std::find(names.begin(), names.end(), type) != names.end();
}

/// The text of a list file without its comments.
std::string without_comments(std::string_view text) {
  std::string out;
  for (std::string_view line : split(text, "\n")) {
    out += line.substr(0, line.find('#'));
    out += '\n';
  }
  return out;
}

bool looks_like_network(std::string_view item) {
  return item.front() == '[' || item.find('/') != std::string_view::npos || item.find(':') != std::string_view::npos ||
         net::IpAddress::parse(item).has_value();
}

}  // namespace

MatchList MatchList::parse(const Options& options, std::string title, std::string_view list, MatchKind kind,
                           ParentStyle style) {
  MatchList out;
  out.options_ = options;
  out.title_ = std::move(title);
  out.text_ = list;
  out.kind_ = kind;
  out.style_ = style;
  out.add_items(list, false, 0);
  return out;
}

void MatchList::add_items(std::string_view list, bool negated, int depth) {
  for (std::string_view item : split_list(list)) {
    bool item_negated = negated;
    for (; item.starts_with('!'); item.remove_prefix(1)) item_negated = !item_negated;
    if (item.empty()) {
      items_.push_back({negated, Error{ErrorKind::temporary, 0, title_ + ": no pattern after '!'", {}}});
      log::warning("{}: no pattern after '!'", title_);
    } else if (item.front() == '/') {
      add_file(std::string(item), item_negated, depth);
    } else {
      add_item(item, item_negated);
    }
  }
}

void MatchList::add_file(const std::string& path, bool negated, int depth) {
  auto text = depth < kMaxFileDepth ? read_source_file(path) : temporary(path + ": files include each other");
  if (!text) {
    log::error("{}: {}", title_, text.error().what);
    items_.push_back({negated, text.error()});
    files_.push_back({path, FileIdentity::of(path)});
    return;
  }
  files_.push_back({path, FileIdentity::of(path)});
  add_items(without_comments(*text), negated, depth + 1);
}

void MatchList::add_item(std::string_view text, bool negated) {
  if (is_table(text)) {
    items_.push_back({negated, std::make_unique<Maps>(Maps::open(options_, title_, text))});
    return;
  }
  if (kind_ == MatchKind::client && looks_like_network(text)) {
    auto network = net::parse_cidr(text);
    if (network) {
      items_.push_back({negated, *network});
      return;
    }
    Error error = network.error();
    error.kind = ErrorKind::temporary;
    error.what = title_ + ": " + error.what;
    log::warning("{}", error.what);
    items_.push_back({negated, std::move(error)});
    return;
  }
  items_.push_back({negated, std::string(text)});
}

Match MatchList::fail(const Error& error) {
  error_ = error;
  return Match::error;
}

bool MatchList::name_fits(std::string_view name, std::string_view pattern) const {
  if (iequals(name, pattern)) return true;
  if (kind_ == MatchKind::exact || name.size() <= pattern.size()) return false;
  if (!iends_with(name, pattern)) return false;
  if (style_ == ParentStyle::dotted) return pattern.front() == '.';
  return name[name.size() - pattern.size() - 1] == '.';
}

Match MatchList::matches_name(Item& item, std::string_view name) {
  if (auto* pattern = std::get_if<std::string>(&item.what)) {
    return name_fits(name, *pattern) ? Match::yes : Match::no;
  }
  auto* maps = std::get_if<std::unique_ptr<Maps>>(&item.what);
  if (maps == nullptr) return Match::no;
  Lookup answer = kind_ == MatchKind::exact ? (*maps)->find(name) : find_domain(**maps, name, style_).lookup;
  if (answer.is_error()) return fail(answer.error());
  return answer.found() ? Match::yes : Match::no;
}

Match MatchList::matches_address(Item& item, std::string_view address) {
  if (auto* network = std::get_if<net::Network>(&item.what)) {
    auto parsed = net::IpAddress::parse(address);
    return parsed && network->contains(*parsed) ? Match::yes : Match::no;
  }
  auto* maps = std::get_if<std::unique_ptr<Maps>>(&item.what);
  if (maps == nullptr) return Match::no;
  Lookup answer = (*maps)->find(address);
  if (answer.is_error()) return fail(answer.error());
  return answer.found() ? Match::yes : Match::no;
}

Match MatchList::matches_one(Item& item, std::string_view name, std::string_view address) {
  if (auto* error = std::get_if<Error>(&item.what)) return fail(*error);
  Match match = name.empty() ? Match::no : matches_name(item, name);
  if (match == Match::no && !address.empty()) match = matches_address(item, address);
  return match;
}

Match MatchList::matches(std::string_view name) {
  return matches_client(name, {});
}

Match MatchList::matches_client(std::string_view name, std::string_view address) {
  for (Item& item : items_) {
    Match match = matches_one(item, name, address);
    if (match == Match::error) return match;
    if (match == Match::yes) return item.negated ? Match::no : Match::yes;
  }
  return Match::no;
}

void MatchList::refresh() {
  TimePoint now = monotonic_now();
  if (now < next_refresh_) return;
  next_refresh_ = now + std::chrono::seconds(1);
  bool changed = std::any_of(files_.begin(), files_.end(),
                             [](const File& f) { return !(FileIdentity::of(f.path) == f.identity); });
  if (changed) {
    items_.clear();
    files_.clear();
    add_items(std::string(text_), false, 0);
    return;
  }
  for (Item& item : items_) {
    if (auto* maps = std::get_if<std::unique_ptr<Maps>>(&item.what)) (*maps)->refresh();
  }
}

}  // namespace umaya::table
