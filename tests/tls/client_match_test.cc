#include "libcommon/tls/client_match.h"

#include <catch2/catch.hpp>

using namespace umaya::tls;

namespace {

bool many(std::string_view name, std::string wanted) {
  const std::vector<std::string> list = {std::move(wanted)};
  return matches_name(name, list, Wildcards::many_labels);
}
bool one(std::string_view name, std::string wanted) {
  const std::vector<std::string> list = {std::move(wanted)};
  return matches_name(name, list, Wildcards::one_label);
}

}  // namespace

TEST_CASE("peer name: equal names match without regard to case and a final dot", "[tls]") {
  CHECK(many("mx.example.org", "mx.example.org"));
  CHECK(many("MX.Example.ORG", "mx.example.org"));
  CHECK(many("mx.example.org.", "mx.example.org"));
  CHECK_FALSE(many("mx.example.org", "mx2.example.org"));
  CHECK_FALSE(many("mx.example.org", "example.org"));
  CHECK_FALSE(many("example.org", "mx.example.org"));
  CHECK_FALSE(many("", ""));
}

TEST_CASE("peer name: a dot in front asks for any name below a domain", "[tls]") {
  CHECK(many("mx.example.org", ".example.org"));
  CHECK(many("a.b.example.org", ".example.org"));
  CHECK(many("*.example.org", ".example.org"));
  CHECK_FALSE(many("example.org", ".example.org"));
  CHECK_FALSE(many("badexample.org", ".example.org"));
  CHECK_FALSE(many(".example.org", ".example.org"));
  CHECK_FALSE(many("mx.example.org", "."));
}

TEST_CASE("peer name: a star covers one label, or several", "[tls]") {
  CHECK(one("*.example.org", "mx.example.org"));
  CHECK(many("*.example.org", "mx.example.org"));
  CHECK_FALSE(one("*.example.org", "a.b.example.org"));
  CHECK(many("*.example.org", "a.b.example.org"));
  CHECK_FALSE(many("*.example.org", "example.org"));
  CHECK_FALSE(many("*.org", "example.org"));
  CHECK_FALSE(many("*", "example"));
  CHECK_FALSE(many("*.", "example."));
  CHECK_FALSE(many("m*.example.org", "mx.example.org"));
  CHECK_FALSE(many("mx.*.org", "mx.example.org"));
  CHECK_FALSE(many("*.*.org", "mx.example.org"));
}

TEST_CASE("peer name: what is no host name matches nothing", "[tls]") {
  using namespace std::string_view_literals;
  CHECK_FALSE(many("mx.example.org\0.evil.test"sv, "mx.example.org"));
  CHECK_FALSE(many("x\0.example.org"sv, ".example.org"));
  CHECK_FALSE(many("mx..example.org", ".example.org"));
  CHECK_FALSE(many("mx example.org", ".org"));
  CHECK_FALSE(many(std::string(300, 'a') + ".example.org", ".example.org"));
}

TEST_CASE("peer name: words stand for the server and the destination", "[tls]") {
  const std::vector<std::string> words = {"nexthop", "dot-nexthop", "Hostname", "other.example"};
  CHECK(expand_match(words, "mx.example.net", "example.org") ==
        std::vector<std::string>{"example.org", ".example.org", "mx.example.net", "other.example"});
}

TEST_CASE("peer name: fingerprints are compared without regard to case", "[tls]") {
  const std::vector<std::string> wanted = {"aa:bb", "CC:DD"};
  CHECK(matches_fingerprint("AA:BB", wanted));
  CHECK(matches_fingerprint("cc:dd", wanted));
  CHECK_FALSE(matches_fingerprint("AA:BC", wanted));
  const std::vector<std::string> empty = {""};
  CHECK_FALSE(matches_fingerprint("", empty));
}
