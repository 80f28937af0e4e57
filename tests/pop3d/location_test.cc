#include "pop3d/sessions/location.h"

#include <catch2/catch.hpp>
#include <string>

using namespace umaya;
using namespace umaya::pop3d;

namespace {

struct Setting {
  std::string home_mailbox = "Maildir/";
  std::string spool{};
  std::string base{};
};

Location located(const std::string& mail, const std::string& home, const Setting& setting = {}) {
  Params params;
  params.home_mailbox = setting.home_mailbox;
  params.mail_spool_directory = setting.spool;
  params.virtual_mailbox_base = setting.base;
  return locate({"kim", 1, 1, home, mail}, params).value_or(Location{"error", "error"});
}

}  // namespace

TEST_CASE("pop3 location: the mailbox comes from the user, or is where local delivers", "[pop3d][location]") {
  CHECK(located("", "/home/kim").name == "maildir:/home/kim/Maildir");
  CHECK(located("", "/home/kim", {.home_mailbox = ""}).name == "maildir:/home/kim/Maildir");
  CHECK(located("", "/home/kim", {.home_mailbox = "Mail/box/"}).name == "maildir:/home/kim/Mail/box");
  CHECK(located("", "/home/kim", {.home_mailbox = "Mailbox"}).name == "mbox:/home/kim/Mailbox");
  CHECK(located("", "/home/kim", {.home_mailbox = "", .spool = "/var/mail"}).name == "mbox:/var/mail/kim");
  CHECK(located("", "/home/kim", {.home_mailbox = "", .spool = "/var/mail/"}).name == "maildir:/var/mail/kim");
  CHECK(located("maildir:~/M:LAYOUT=fs", "/home/kim").name == "maildir:/home/kim/M");
  CHECK(located("/var/mail/v/kim/", "").name == "maildir:/var/mail/v/kim");
  CHECK(located("mbox:~/mail:INBOX=/var/mail/kim", "/home/kim").name == "mbox:/var/mail/kim");
  for (const char* mail : {"maildir:", "mbox:", "maildir:~/../x", "maildir:/a/../b"}) {
    CHECK(located(mail, "/home/kim").name == "error");
  }
  CHECK(located("", "").name == "error");
}

TEST_CASE("pop3 location: a process may work beneath the mailbox, or beneath the base of all", "[pop3d][location]") {
  CHECK(located("", "/home/kim").root == "/home/kim/Maildir");
  CHECK(located("mbox:~/mail", "/home/kim").root == "/home/kim");
  CHECK(located("/var/vmail/d/kim", "", {.base = "/var/vmail"}).root == "/var/vmail");
  CHECK(located("/var/vmail/d/kim", "", {.base = "/var, /var/vmail/"}).root == "/var/vmail");
  CHECK(located("/var/vmailbox/kim", "", {.base = "/var/vmail"}).root == "/var/vmailbox/kim");
  CHECK(located("/var/vmail", "", {.base = "/var/vmail"}).root == "/var/vmail");
}
