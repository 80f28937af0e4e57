#include "libcommon/tls/client_hello.h"

#include <catch2/catch.hpp>

using namespace umaya;

/// n letters, and what stands behind them.
static std::string label(size_t n, const char* behind) {
  std::string out;
  out.resize(n, 'a');
  out.append(behind);
  return out;
}

static void add_size(std::string& out, size_t size) {
  out += static_cast<char>(size >> 8);
  out += static_cast<char>(size);
}

static std::string extension(std::string_view name, char kind = 0) {
  std::string out;
  add_size(out, name.size() + 3);
  out += kind;
  add_size(out, name.size());
  out += name;
  return out;
}

static std::string parse(std::string_view bytes) {
  return tls::parse_server_name({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

TEST_CASE("server name: only host names are names (S7)", "[tls]") {
  using tls::valid_server_name;
  CHECK(valid_server_name("Mail.Example.COM") == "mail.example.com");
  CHECK(valid_server_name("localhost") == "localhost");
  CHECK(valid_server_name("xn--bcher-kva.example") == "xn--bcher-kva.example");
  CHECK(valid_server_name("_sip.a-b.example") == "_sip.a-b.example");
  CHECK(valid_server_name(label(63, ".test")) == label(63, ".test"));
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a.b-", "a b", "a/b", "../x", "127.0.0.1", "::1",
                          "b\xc3\xbc"
                          "cher.example",
                          "a\n"}) {
    INFO(bad);
    CHECK(valid_server_name(bad).empty());
  }
  CHECK(valid_server_name(std::string_view("a\0", 2)).empty());
  CHECK(valid_server_name(std::string_view("a.test\\\0", 8)).empty());
  CHECK(valid_server_name(label(64, ".test")).empty());
  CHECK(valid_server_name(label(300, "")).empty());
  std::string longest;
  while (longest.size() < 253 - 62) longest += label(61, ".");
  longest.resize(253, 'y');
  CHECK(longest.size() == 253);
  CHECK_FALSE(valid_server_name(longest).empty());
  CHECK(valid_server_name(longest.append("z")).empty());
}

TEST_CASE("server name: the extension is read whole or not at all (S7)", "[tls]") {
  std::string good = extension("mail.example.com");
  CHECK(parse(good) == "mail.example.com");
  for (size_t i = 0; i < good.size(); ++i) CHECK(parse(std::string_view(good).substr(0, i)).empty());
  CHECK(parse(good + "x").empty());
  CHECK(parse(extension("mail.example.com", 1)).empty());
  CHECK(parse(extension("")).empty());
  CHECK(parse("").empty());
  // Two names in one list.
  std::string two = extension("a.test") + extension("b.test").substr(2);
  two[1] = static_cast<char>(two.size() - 2);
  CHECK(parse(two).empty());
  CHECK(parse(extension(label(65000, ""))).empty());
}
