#include "libcommon/auth/passwd_edit.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "libcommon/auth/passwd_file.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"

using namespace umaya;
using namespace umaya::auth;

namespace {
const std::string kText =
    "# users of example.com\n"
    "\n"
    "alice:{PLAIN}secret:1001:1001::/home/alice::userdb_mail=maildir:~/Maildir allow_nets=10.0.0.0/8\n"
    "broken line without a meaning\n"
    "#bob:{PLAIN}x\n"
    "Bob:{PLAIN}x\r\n"
    "carol:{PLAIN}y";
}  // namespace

TEST_CASE("passwd edit: a changed password leaves everything else as it was", "[auth][edit]") {
  auto changed = change_passwd_password(kText, "alice", "{PLAIN}new");
  std::string expected = kText;
  expected.replace(expected.find("{PLAIN}secret"), 13, "{PLAIN}new");
  CHECK(changed == expected);
  auto bob = change_passwd_password(kText, "bob", "{PLAIN}z");
  REQUIRE(bob);
  CHECK(bob->find("\nBob:{PLAIN}z\r\n") != std::string::npos);
  CHECK(bob->find("#bob:{PLAIN}x\n") != std::string::npos);
  CHECK(change_passwd_password(kText, "carol", "{PLAIN}z")->ends_with("\ncarol:{PLAIN}z"));
  CHECK(!change_passwd_password(kText, "dave", "{PLAIN}z"));
  CHECK(!change_passwd_password(kText, "alice", "{PLAIN}a:b"));
  CHECK(!change_passwd_password(kText, "alice", "{PLAIN}a\nroot:{PLAIN}x"));
}

TEST_CASE("passwd edit: users are added behind the last line and removed alone", "[auth][edit]") {
  auto added = add_passwd_line(kText, "dave", "dave:{PLAIN}d");
  CHECK(added == kText + "\ndave:{PLAIN}d\n");
  CHECK(remove_passwd_line(*added, "dave") == kText + "\n");
  CHECK(!add_passwd_line(kText, "ALICE", "ALICE:{PLAIN}d"));
  CHECK(add_passwd_line("", "dave", "dave:x") == "dave:x\n");
  auto without = remove_passwd_line(kText, "alice");
  REQUIRE(without);
  CHECK(without->find("alice:") == std::string::npos);
  CHECK(without->size() == kText.size() - (kText.find("broken") - kText.find("alice:")));
  CHECK(!remove_passwd_line(kText, "nobody"));
}

TEST_CASE("passwd edit: a new line has what was asked for, and nothing that would be read as more", "[auth][edit]") {
  CHECK(make_passwd_line("k@example.com", "{PLAIN}x", {}) == "k@example.com:{PLAIN}x");
  CHECK(make_passwd_line("k", "{PLAIN}x", {"uid=5000", "gid=5001", "home=/srv/k"}) == "k:{PLAIN}x:5000:5001::/srv/k");
  auto full = make_passwd_line("k", "{PLAIN}x", {"mail=maildir:/srv/k", "nologin", "allow_nets=10.0.0.0/8"});
  CHECK(full == "k:{PLAIN}x::::::userdb_mail=maildir:/srv/k nologin allow_nets=10.0.0.0/8");
  CHECK(!make_passwd_line("../k", "{PLAIN}x", {}));
  CHECK(!make_passwd_line("k", "{PLAIN}x", {"uid=many"}));
  CHECK(!make_passwd_line("k", "{PLAIN}x", {"home=/a:/b"}));
  CHECK(!make_passwd_line("k", "{PLAIN}x", {"home=/a\nroot:x"}));
  CHECK(!make_passwd_line("k", "{PLAIN}x\nroot:{PLAIN}y", {}));
  CHECK(!make_passwd_line("k", "{NONSENSE}x", {}));
  CHECK(make_passwd_line("k", "", {}) == "k:");
}

TEST_CASE("passwd edit: the file keeps its mode, is replaced whole, and is locked meanwhile", "[auth][edit]") {
  std::string directory = std::filesystem::temp_directory_path() / ("umaya_edit_" + std::to_string(getpid()));
  std::filesystem::create_directories(directory);
  std::string path = directory + "/users";
  std::ofstream(path) << kText;
  REQUIRE(chmod(path.c_str(), 0640) == 0);
  {
    auto editor = PasswdEditor::open(path);
    REQUIRE(editor);
    auto other = fs::open_safe(path);
    CHECK(*fs::try_lock(other->get(), fs::LockKind::flock) == fs::LockState::busy);
    editor->set_text(*remove_passwd_line(editor->text(), "carol"));
    REQUIRE(editor->save());
  }
  struct stat now {};
  REQUIRE(stat(path.c_str(), &now) == 0);
  CHECK((now.st_mode & 07777) == 0640);
  CHECK(fs::read_file(path, 10'000)->find("carol") == std::string::npos);
  CHECK(std::distance(std::filesystem::directory_iterator(directory), {}) == 1);
  CHECK(!PasswdEditor::open(directory + "/missing"));
  std::filesystem::remove_all(directory);
}
