#include "libcommon/databases/lookup_plan.h"

#include <fmt/format.h>

namespace umaya::databases {

Result<LookupPlan> LookupPlan::from(const Parameters& parameters, std::string_view format_name) {
  LookupPlan plan;
  plan.title = parameters.title();
  std::string format = "%s";
  if (parameters.has(format_name)) {
    UMAYA_TRY(format, parameters.required(format_name));
  }
  auto result = Template::parse(format, Syntax::plain);
  if (!result) return parameters.bad(format_name, result.error().what);
  plan.result = std::move(*result);
  plan.needs = plan.result.key_needs();
  UMAYA_TRY(plan.expansion_limit, parameters.number("expansion_limit", 0, 0));
  plan.domains = parameters.text("domain");
  return plan;
}

bool ResultList::add(std::string_view value) {
  if (value.empty()) {
    saw_empty_ = true;
    return true;
  }
  SplitKey split(value);
  if (!plan_.result.needs().met_by(split)) return true;
  if (plan_.expansion_limit > 0 && ++count_ > plan_.expansion_limit) {
    error_ = fmt::format("more than {} results (expansion_limit)", plan_.expansion_limit);
    return false;
  }
  if (!joined_.empty()) joined_ += ',';
  plan_.result.fill(split, key_, nullptr, joined_);
  if (joined_.size() <= kLongestAnswer) return true;
  error_ = fmt::format("the results are longer than {} bytes", kLongestAnswer);
  return false;
}

table::Lookup ResultList::finish() {
  if (failed()) return table::Lookup::failed(error_);
  if (joined_.empty()) return {};
  return table::Lookup::of(std::move(joined_));
}

namespace {

/// The query in the form of Postfix before 2.2.
Result<std::string> query_of_parts(const Parameters& parameters, Syntax syntax) {
  std::string function = parameters.text("select_function");
  if (syntax == Syntax::pgsql && !function.empty()) return "SELECT " + function + "('%s')";
  if (!parameters.has("table") && !parameters.has("select_field")) {
    return permanent(parameters.title() + ": the parameter query is missing");
  }
  UMAYA_TRY(std::string table, parameters.required("table"));
  UMAYA_TRY(std::string select, parameters.required("select_field"));
  UMAYA_TRY(std::string where, parameters.required("where_field"));
  return fmt::format("SELECT {} FROM {} WHERE {}='%s' {}", select, table, where,
                     parameters.text("additional_conditions"));
}

}  // namespace

Result<Template> sql_query(const Parameters& parameters, Syntax syntax) {
  std::string text = parameters.text("query");
  if (text.empty()) {
    UMAYA_TRY(text, query_of_parts(parameters, syntax));
  }
  auto query = Template::parse(text, syntax);
  if (!query) return parameters.bad("query", query.error().what);
  return query;
}

Result<> check_parameters(const Parameters& parameters) {
  std::string_view type = std::string_view(parameters.title()).substr(0, parameters.title().find(':'));
  UMAYA_TRY(LookupPlan plan, LookupPlan::from(parameters));
  if (type == "ldap") {
    for (std::string_view name : {"search_base", "query_filter"}) {
      auto part = Template::parse(parameters.text(name), Syntax::plain);
      if (!part) return parameters.bad(name, part.error().what);
    }
    return {};
  }
  Syntax syntax = type == "sqlite" ? Syntax::sqlite : type == "pgsql" ? Syntax::pgsql : Syntax::mysql;
  UMAYA_TRY(Template query, sql_query(parameters, syntax));
  bool names_database = type == "pgsql" && parameters.text("hosts").starts_with("postgres");
  if (names_database) return {};
  UMAYA_TRY(std::string database, parameters.required(type == "sqlite" ? "dbpath" : "dbname"));
  return {};
}

}  // namespace umaya::databases
