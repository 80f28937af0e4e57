#include "libcommon/tls/identity/certificates.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "libcommon/log/log.h"
#include "libcommon/tls/identity/self_signed.h"
#include "libcommon/tls/identity/sets.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
using test::TempDirectory;

static config::Config config_in(const std::string& directory, std::string_view more = {}) {
  std::string text = "data_directory = " + directory + "\nmyhostname = host.example.test\n" + std::string(more);
  auto config = config::Config::from_text(text, directory);
  REQUIRE(config);
  return *config;
}

static std::string text_of(const std::string& path) {
  return tls::read_source(path).text;
}

/// The identity in one chain file with this text.
static Result<tls::PrivateIdentity> load(std::string text) {
  tls::SourceFile source;
  source.path = "/etc/chain.pem";
  source.text = std::move(text);
  source.mode = 0600;
  source.owner = 0;
  tls::IdentityFiles files{{{source.path, ""}}, "smtpd_tls_chain_files"};
  return tls::load_identity(files, {&source, 1});
}

TEST_CASE("self-signed certificate: made once, for its owner only, and fit for use", "[tls]") {
  TempDirectory directory;
  config::Config config = config_in(directory.path());
  auto made = tls::ensure_self_signed(config);
  REQUIRE(made);
  CHECK(*made);
  tls::IdentityFiles files = tls::self_signed_files(config);
  REQUIRE(files.paths().size() == 1);
  std::string path = files.paths()[0];
  std::string text = text_of(path);
  struct stat info;
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  auto again = tls::ensure_self_signed(config);
  REQUIRE(again);
  CHECK_FALSE(*again);
  CHECK(text_of(path) == text);
  auto identity = load(text);
  REQUIRE(identity);
  CHECK(identity->complaints.empty());
  REQUIRE(identity->chains.size() == 1);
  CHECK(identity->chains[0].chain.kind == tls::KeyKind::ec);
  CHECK(identity->chains[0].chain.key.size() == 64);
  CHECK(identity->chains[0].chain.certificates.find("PRIVATE") == std::string::npos);
}

TEST_CASE("self-signed certificate: a link in its place is not followed", "[tls]") {
  TempDirectory directory;
  config::Config config = config_in(directory.path());
  std::string target = directory.path() + "/target";
  std::string file = tls::self_signed_files(config).paths()[0];
  std::filesystem::create_symlink(target, file);
  (void)tls::ensure_self_signed(config);
  CHECK_FALSE(std::filesystem::exists(target));
}

TEST_CASE("certificates: what cannot be used names file and cure", "[tls]") {
  TempDirectory one, two;
  REQUIRE(tls::ensure_self_signed(config_in(one.path())));
  REQUIRE(tls::ensure_self_signed(config_in(two.path())));
  std::string first = text_of(one.path() + "/self-signed.pem"), second = text_of(two.path() + "/self-signed.pem");
  size_t cut = first.find("-----BEGIN CERTIFICATE");
  std::string key = first.substr(0, cut), certificate = first.substr(cut);
  std::string other = second.substr(second.find("-----BEGIN CERTIFICATE"));
  struct Case {
    std::string text;
    std::string_view says;
  };
  for (const auto& c :
       {Case{"", "no private key in it"}, Case{certificate, "before any private key"},
        Case{certificate + key, "before any private key"}, Case{key, "no certificate in it"},
        Case{key + other, "does not belong to the certificate"},
        Case{key + other + certificate, "is not the first one"},
        Case{key + certificate.substr(0, certificate.size() / 2), "no certificate in it"},
        Case{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + certificate, "cannot be read"}}) {
    auto loaded = load(c.text);
    INFO(c.says);
    REQUIRE_FALSE(loaded);
    INFO(loaded.error().what);
    CHECK(loaded.error().what.starts_with("/etc/chain.pem: "));
    CHECK(loaded.error().what.find(c.says) != std::string::npos);
  }
  auto twice = load(first + second);
  REQUIRE(twice);
  CHECK(twice->chains.size() == 1);
  REQUIRE(twice->complaints.size() == 1);
  CHECK(twice->complaints[0].find("there is a ECDSA key already") != std::string::npos);
}

TEST_CASE("certificates: a source is bounded and its mark changes with it", "[tls]") {
  TempDirectory directory;
  std::string path = directory.path() + "/x";
  CHECK(tls::read_source(path).sys_errno == ENOENT);
  std::string absent = tls::source_mark(path);
  std::ofstream(path) << "one";
  tls::SourceFile first = tls::read_source(path);
  CHECK(first.text == "one");
  CHECK(first.mark == tls::source_mark(path));
  CHECK(first.mark != absent);
  std::ofstream(path) << "three";
  CHECK(first.mark != tls::source_mark(path));
  std::ofstream(path) << std::string(tls::kLargestSource + 1, 'x');
  CHECK(tls::read_source(path).sys_errno == EFBIG);
  CHECK(tls::read_source(directory.path()).sys_errno == EINVAL);
}

TEST_CASE("identity files: chain files win over pairs, and a set has one name", "[tls]") {
  TempDirectory directory;
  auto files = [&](std::string_view text, std::string_view prefix = "smtpd") {
    return tls::identity_files(config_in(directory.path(), text), prefix);
  };
  CHECK(files("").empty());
  CHECK(files("smtpd_tls_cert_file = none\n").empty());
  auto pair = files("smtpd_tls_cert_file = /c\nsmtpd_tls_key_file = /k\nsmtpd_tls_eccert_file = /e\n");
  CHECK(pair.paths() == std::vector<std::string>{"/e", "/c", "/k"});
  CHECK(pair.name() == "/e\n/c\t/k");
  auto chain = files("smtpd_tls_cert_file = /c\nsmtpd_tls_chain_files = /a, /b\n");
  CHECK(chain.paths() == std::vector<std::string>{"/a", "/b"});
  CHECK(chain.parameters == "smtpd_tls_chain_files");
  CHECK(files("smtpd_tls_chain_files = /a, /b\n", "pop3").name() == chain.name());
  CHECK(files("smtpd_tls_chain_files = /a\npop3_tls_chain_files = /p\n", "pop3").name() == "/p");
  CHECK(files("smtpd_tls_chain_files = /a\npop3_tls_cert_file = /p\n", "pop3").name() == "/p");
  CHECK(files("smtpd_tls_cert_file = /c\nsmtpd_tls_key_file = /k\n", "pop3").name() == "/c\t/k");
  CHECK(files("smtpd_tls_cert_file = /c\nsmtpd_tls_key_file = /k\npop3_tls_cert_file = /p\n", "pop3").name() == "/p");
}

TEST_CASE("certificate sets: those of every service, with the options of master.cf", "[tls]") {
  TempDirectory directory;
  std::ofstream(directory.path() + "/main.cf") << "smtpd_tls_chain_files = /main\nsmtp_tls_chain_files = /client\n";
  auto sets = [&](std::string_view master) {
    std::ofstream(directory.path() + "/master.cf") << master;
    auto config = config::Config::load(directory.path());
    REQUIRE(config);
    auto found = tls::find_sets(*config);
    REQUIRE(found);
    std::vector<std::string> names;
    for (const auto& files : found->files) names.push_back(files.name());
    if (found->needs_self_signed) names.push_back("self-signed");
    return names;
  };
  using Names = std::vector<std::string>;
  CHECK(sets("qmgr unix n - n 300 1 qmgr\n").empty());
  CHECK(sets("smtp inet n - n - - smtpd\npop3 inet n - n - - pop3d\nsmtp unix - - n - - smtp\n") ==
        Names{"/main", "/client"});
  CHECK(sets("smtp inet n - n - - smtpd\n465 inet n - n - - smtpd\n  -o smtpd_tls_chain_files=/own\n") ==
        Names{"/main", "/own"});
  auto none = sets("smtp inet n - n - - smtpd\n  -o smtpd_tls_chain_files=\n");
  REQUIRE(none.size() == 2);
  CHECK(none[1] == "self-signed");
  CHECK(sets("smtp inet n - n - - smtpd\n  -o smtpd_tls_chain_files= -o smtpd_tls_security_level=none\n").empty());
}
