// NAME    header_work - what checks and address mapping make of one header or body line
//
// DESCRIPTION
//     A pure function of the event, the parameters and the tables: nothing is logged or written here, so that it can be
//     run again when a table had to be waited for (table::settle).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cleanup/checks.h"
#include "cleanup/headers.h"
#include "cleanup/scanner.h"
#include "libcommon/route/router.h"

namespace umaya::cleanup {

struct EventResult {
  std::optional<Error> error;          ///< a table could not be asked
  std::optional<Action> action;        ///< of a check, other than keep
  std::string warning;                 ///< about an action that cannot be done
  std::string text;                    ///< the header as it goes on (REPLACE and mapping done)
  const HeaderType* type = nullptr;    ///< of the header as it goes on
  std::vector<std::string> addresses;  ///< in a header with addresses
  bool drop = false;                   ///< the header or line is left out
};

struct HeaderWork {
  ContentChecks* checks = nullptr;  ///< null: none are wanted
  route::Router* router = nullptr;
  size_t max_tokens = 10240;
  bool map_addresses = false;               ///< canonical and masquerade
  std::optional<route::Context> rewrite{};  ///< none: headers stay as they are
  uint64_t body_checked = 0, body_limit = 0;

  EventResult operator()(const Event& event) const;

 private:
  void check(const Event& event, EventResult& out) const;
  void rewrite_header(EventResult& out) const;
};

}  // namespace umaya::cleanup
