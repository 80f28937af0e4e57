#include <catch2/catch.hpp>
#include <fstream>

#include "libcommon/base/strings.h"
#include "tests/support/temp_directory.h"
#include "tlsmgr/reader_child.h"

using namespace umaya;
using test::TempDirectory;
using tlsmgr::Found;

static const std::string kPem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

static tlsmgr::LookupAnswer look_up(const std::string& table, const std::string& name) {
  table::Maps maps = table::Maps::open({}, "tls_server_sni_maps", table);
  return tlsmgr::look_up_now(maps, name);
}

TEST_CASE("server names: looked up whole, then by each parent", "[tlsmgr]") {
  TempDirectory directory;
  std::string path = directory.path() + "/chain.pem";
  std::ofstream(path) << kPem;
  std::string table = "inline:{mail.example.com=" + path + ", .wild.test=" + path + "}";
  auto found = look_up(table, "mail.example.com");
  CHECK(found.found == Found::yes);
  CHECK(found.text == kPem);
  CHECK(look_up(table, "a.wild.test").found == Found::yes);
  CHECK(look_up(table, "a.b.wild.test").found == Found::yes);
  CHECK(look_up(table, "wild.test").found == Found::no);
  CHECK(look_up(table, "example.com").found == Found::no);
  CHECK(look_up(table, "other.example.com").found == Found::no);
}

TEST_CASE("server names: a value is base64 or a list of files, and nothing else", "[tlsmgr]") {
  TempDirectory directory;
  std::string path = directory.path() + "/chain.pem";
  std::ofstream(path) << kPem;
  std::string encoded = base64_encode(kPem + kPem);
  auto decoded = look_up("inline:{{a.test = " + encoded + "}}", "a.test");
  CHECK(decoded.found == Found::yes);
  CHECK(decoded.text == kPem + kPem);
  auto two = look_up("inline:{{a.test = " + path + ", " + path + "}}", "a.test");
  CHECK(two.text == kPem + kPem);
  auto missing = look_up("inline:{{a.test = " + path + "x}}", "a.test");
  CHECK(missing.found == Found::failed);
  CHECK(missing.trouble.find(path + "x: No such file") != std::string::npos);
  auto neither = look_up("inline:{{a.test = chain.pem}}", "a.test");
  CHECK(neither.found == Found::failed);
  CHECK(neither.trouble.find("postmap -F") != std::string::npos);
}

static std::vector<std::string> certificates(const tlsmgr::ConfigurationAnswer& answer) {
  std::vector<std::string> out;
  for (const auto& set : answer.sets) {
    for (const auto& pair : set.pairs) out.push_back(pair.certificate);
  }
  return out;
}

TEST_CASE("configuration: read anew, with the files of every service, and what is missing", "[tlsmgr]") {
  TempDirectory directory;
  auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(directory.path() + "/" + name) << text;
  };
  write("master.cf", "smtp inet n - n - - smtpd\nsubmissions inet n - n - - smtpd -o smtpd_tls_chain_files=/b.pem\n");
  write("main.cf", "smtpd_tls_chain_files = /a.pem\nsmtpd_tls_security_level = may\n");
  auto config = config::Config::load(directory.path(), {"data_directory=" + directory.path()});
  REQUIRE(config);
  auto first = tlsmgr::configuration_of(*config);
  CHECK(first.trouble.empty());
  CHECK(certificates(first) == std::vector<std::string>{"/a.pem", "/b.pem"});
  CHECK_FALSE(first.lacks_self_signed);

  write("main.cf", "smtpd_tls_security_level = may\n");
  auto fresh = config->reload();
  REQUIRE(fresh);
  auto second = tlsmgr::configuration_of(*fresh);
  CHECK(certificates(second) == std::vector<std::string>{directory.path() + "/self-signed.pem", "/b.pem"});
  CHECK(second.lacks_self_signed);
  write("self-signed.pem", kPem);
  CHECK_FALSE(tlsmgr::configuration_of(*fresh).lacks_self_signed);

  write("master.cf", "smtp inet n\n");
  CHECK(tlsmgr::configuration_of(*fresh).trouble.find("too few fields") != std::string::npos);
  write("main.cf", "no assignment\n");
  CHECK_FALSE(config->reload());
}
