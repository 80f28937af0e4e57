// NAME    lookup_plan - what all kinds of databases have in common: which keys are asked, how results are written
//
// SYNOPSIS
//     UMAYA_TRY(auto plan, LookupPlan::from(parameters));
//     plan.needs.add(query.needs());
//     ResultList results(plan, key);
//     for (…) if (!results.add(value)) break;
//     return results.finish();
//
// DESCRIPTION
//     A key that lacks what the query or result_format needs is not found, without a question. Each result goes through
//     result_format and is joined to the others by commas; one that is empty, or lacks what the format needs, is left
//     out.
//
// ERRORS
//     Temporary when there are more results than expansion_limit, or the whole does not fit into an answer of proxymap.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/databases/parameters.h"
#include "libcommon/databases/query_template.h"
#include "libcommon/table/table.h"

namespace umaya::databases {

/// Bytes of an answer.
inline constexpr size_t kLongestAnswer = 100'000;

struct LookupPlan {
  /// Reads result_format (or another parameter with that meaning), expansion_limit and domain.
  static Result<LookupPlan> from(const Parameters& parameters, std::string_view format_name = "result_format");

  std::string title;  ///< "pgsql:/etc/umaya/users.cf"
  Needs needs;        ///< of the key: those of the query are added
  Template result;
  int64_t expansion_limit = 0;  ///< 0: none
  std::string domains;          ///< keys of these domains only; empty: of all
};

/// Values of one look-up.
class ResultList {
 public:
  ResultList(const LookupPlan& plan, std::string_view key) : plan_(plan), key_(key) {}
  /// False: it is enough, finish() gives an error.
  bool add(std::string_view value);
  bool failed() const { return !error_.empty(); }
  table::Lookup finish();
  /// An empty value was left out.
  bool saw_empty() const { return saw_empty_; }

 private:
  const LookupPlan& plan_;
  SplitKey key_;
  std::string joined_;
  std::string error_;
  int64_t count_ = 0;
  bool saw_empty_ = false;
};

/// The query of an SQL table: query, else select_function of pgsql, else the four old parameters.
Result<Template> sql_query(const Parameters& parameters, Syntax syntax);

/// What can be said of the parameters without the database's library.
Result<> check_parameters(const Parameters& parameters);

}  // namespace umaya::databases
