// NAME    match_list - lists of names, networks, files and tables: mynetworks, mydestination, relay_domains
//
// SYNOPSIS
//     auto mine = table::MatchList::parse(options, "mydestination", "$myhostname, localhost", MatchKind::exact);
//     if (mine.matches("example.com") == Match::yes) …
//     auto nets = table::MatchList::parse(options, "mynetworks", "127.0.0.0/8 [::1]/128", MatchKind::client, style);
//     nets.matches_client("localhost", "127.0.0.1")
//
// DESCRIPTION
//     The first item that matches decides; "!item" excludes. "/file" stands for the items in that file, "type:table"
//     for the keys of a table (the value does not count). An item that cannot be read matches nothing and makes the
//     answer an error when it is reached.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libcommon/net/address.h"
#include "libcommon/table/file_identity.h"
#include "libcommon/table/maps.h"
#include "libcommon/table/search.h"

namespace umaya::table {

enum class MatchKind : unsigned char {
  exact,   ///< whole strings (mydestination, virtual_alias_domains)
  domain,  ///< names, and names below them by ParentStyle (relay_domains)
  client,  ///< host names as domain, and addresses in networks (mynetworks)
};

enum class Match : unsigned char { no, yes, error };

class MatchList {
 public:
  MatchList() = default;
  static MatchList parse(const Options& options, std::string title, std::string_view list, MatchKind kind,
                         ParentStyle style = ParentStyle::dotted);
  /// For exact and domain lists.
  Match matches(std::string_view name);
  /// For client lists; name may be "unknown".
  Match matches_client(std::string_view name, std::string_view address);
  bool empty() const { return items_.empty(); }
  /// What the last Match::error was about.
  const Error& error() const { return error_; }
  /// Opens changed tables and reads changed files again, at most once a second.
  void refresh();

 private:
  struct File {
    std::string path;
    FileIdentity identity;
  };
  struct Item {
    bool negated = false;
    std::variant<std::string, net::Network, std::unique_ptr<Maps>, Error> what;
  };
  void add_items(std::string_view list, bool negated, int depth);
  void add_item(std::string_view text, bool negated);
  void add_file(const std::string& path, bool negated, int depth);
  Match matches_one(Item& item, std::string_view name, std::string_view address);
  Match matches_name(Item& item, std::string_view name);
  Match matches_address(Item& item, std::string_view address);
  Match fail(const Error& error);
  bool name_fits(std::string_view name, std::string_view pattern) const;

  Options options_;
  std::string title_;
  std::string text_;
  MatchKind kind_ = MatchKind::exact;
  ParentStyle style_ = ParentStyle::dotted;
  std::vector<Item> items_;
  std::vector<File> files_;
  Error error_;
  TimePoint next_refresh_{};
};

}  // namespace umaya::table
