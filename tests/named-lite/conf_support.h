// NAME    conf_support - named.conf from text, for tests
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "named-lite/config/named_conf.h"

namespace umaya::named::testing {

struct Parsed {
  NamedConf conf;
  Problems problems;
  std::string errors() const {
    std::string all;
    for (const Problem& problem : problems.all()) {
      if (problem.severity == Severity::error) all += problem.text() + "\n";
    }
    return all;
  }
  std::string all() const {
    std::string lines;
    for (const Problem& problem : problems.all()) lines += problem.text() + "\n";
    return lines;
  }
  const ViewConf& view(size_t i = 0) const { return conf.views.at(i); }
  const ZoneConf& zone(const char* name, size_t view_index = 0) const {
    const ZoneConf* found = view(view_index).zone(Name::from_text(name)->lower().wire());
    if (found == nullptr) FAIL("no zone " << name);
    return *found;
  }
};

inline Parsed parse(const std::string& text) {
  Parsed result;
  result.conf = parse_named_conf(text, "c", {}, result.problems);
  return result;
}

inline bool admitted(const AclRef& acl, const char* address) {
  return admits(*acl, *umaya::net::IpAddress::parse(address));
}

inline Parsed options(const std::string& text) {
  return parse("options { " + text + " };");
}

}  // namespace umaya::named::testing
