#include "commands/postconf/edit.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::postconf;

namespace {

constexpr std::string_view kMainCf =
    "# head\n"
    "mail_name = X\n"
    "  y\n"
    "# between\n"
    "   z\n"
    "\n"
    "#mail_name = commented\n"
    "myorigin=a\n"
    "mail_name = again\n";

constexpr std::string_view kMasterCf =
    "# c\n"
    "smtp inet n - y - - smtpd\n"
    "  -o a=b\n"
    "\n"
    "# mid\n"
    "  -o c=d\n"
    "# after\n"
    "smtp unix n - y - - smtp -v\n"
    "foo unix - n n - - pipe\n"
    "  flags=X argv=/bin/x { a b }\n";

std::string text_of(Result<Edited> edited) {
  if (!edited) FAIL(edited.error().what);
  return edited->text;
}

std::string main_cf(Change change, const std::vector<std::string>& arguments) {
  return text_of(edit_main_cf(kMainCf, change, arguments));
}

std::string error_of(Result<Edited> edited) {
  REQUIRE_FALSE(edited);
  return edited.error().what;
}

}  // namespace

TEST_CASE("postconf edit: a setting is replaced on its place, comments stay", "[postconf][edit]") {
  CHECK(main_cf(Change::set, {"mail_name = new  v ", "home_mailbox=Maildir/", "relayhost="}) ==
        "# head\n"
        "mail_name = new  v\n"
        "# between\n"
        "\n"
        "#mail_name = commented\n"
        "myorigin=a\n"
        "mail_name = new  v\n"
        "home_mailbox = Maildir/\n"
        "relayhost =\n");
  CHECK(edit_main_cf(kMainCf, Change::set, {"mail_name=x"})->warnings ==
        std::vector<std::string>{"multiple entries for \"mail_name\""});
}

TEST_CASE("postconf edit: -X removes and -# comments out, with the continuation lines", "[postconf][edit]") {
  CHECK(main_cf(Change::remove, {"mail_name", "nosuch"}) ==
        "# head\n# between\n\n#mail_name = commented\nmyorigin=a\n");
  CHECK(main_cf(Change::comment_out, {"mail_name"}) ==
        "# head\n#mail_name = X\n#  y\n# between\n#   z\n\n#mail_name = commented\nmyorigin=a\n#mail_name = again\n");
}

TEST_CASE("postconf edit: a file without a final newline gets one", "[postconf][edit]") {
  CHECK(text_of(edit_main_cf("a = b", Change::set, {"c=d"})) == "a = b\nc = d\n");
  CHECK(text_of(edit_main_cf("", Change::set, {"c=d"})) == "c = d\n");
}

TEST_CASE("postconf edit: refuses what is no setting", "[postconf][edit]") {
  CHECK(error_of(edit_main_cf("", Change::set, {"nothing"})) == "missing '=' after attribute name: \"nothing\"");
  CHECK(error_of(edit_main_cf("", Change::set, {"a b = c"})) == "missing '=' after attribute name: \"a b = c\"");
  CHECK(error_of(edit_main_cf("", Change::set, {"= x"})) == "missing attribute name: \"= x\"");
  CHECK(error_of(edit_main_cf("", Change::set, {"a=b\nc=d"})) == "-e, -X, or -# accepts no multi-line input");
  CHECK(error_of(edit_main_cf("", Change::set, {"#x=a"})) == "-e, -X, or -# accepts no comment input");
  CHECK(error_of(edit_main_cf("", Change::remove, {"a=b"})) == "-X or -# requires names without value");
}

TEST_CASE("postconf edit: a service is replaced, added, removed or commented out", "[postconf][edit]") {
  CHECK(text_of(edit_entries(kMasterCf, "master.cf", Change::set,
                             {"foo/unix=foo unix n - - - - pipe flags=X argv=/bin/x { a b }",
                              "new/unix = new unix - "
                              "- n - - lmtp"})) ==
        "# c\nsmtp inet n - y - - smtpd\n  -o a=b\n\n# mid\n  -o c=d\n# after\nsmtp unix n - y - - smtp -v\n"
        "foo        unix  n       -       -       -       -       pipe flags=X\n    argv=/bin/x {a b}\n"
        "new        unix  -       -       n       -       -       lmtp\n");
  CHECK(text_of(edit_entries(kMasterCf, "master.cf", Change::remove, {"smtp/inet", "foo/unix"})) ==
        "# c\n\n# mid\n# after\nsmtp unix n - y - - smtp -v\n");
  CHECK(text_of(edit_entries("smtp inet n - y - - smtpd\n# mid\n  -o c=d\n", "master.cf", Change::comment_out,
                             {"*/inet"})) == "#smtp inet n - y - - smtpd\n# mid\n#  -o c=d\n");
  CHECK(error_of(edit_entries(kMasterCf, "master.cf", Change::remove, {"foo"})) ==
        "-Me, -MX or -M# requires service_name/type");
  CHECK(error_of(edit_entries(kMasterCf, "master.cf", Change::set, {"foo/unix=x"})).find("too few fields") == 0);
}

TEST_CASE("postconf edit: fields and -o options of services change", "[postconf][edit]") {
  CHECK(text_of(edit_fields("smtp inet n - y - - smtpd -v\n", "master.cf", {"smtp/inet/chroot=n"})) ==
        "smtp       inet  n       -       n       -       -       smtpd -v\n");
  CHECK(text_of(edit_fields("smtp inet n - y - - smtpd -v\n", "master.cf", {"*/*/command=postscreen -o a=b"})) ==
        "smtp       inet  n       -       y       -       -       postscreen\n    -o a=b\n");
  CHECK(error_of(edit_fields(kMasterCf, "master.cf", {"foo/unix/chroot=q"})) ==
        "field \"chroot\" is \"q\": write y, n or -");
  CHECK(error_of(edit_fields(kMasterCf, "master.cf", {"foo/unix/colour=q"})) ==
        "invalid service attribute name: \"colour\"");
  CHECK(edit_fields(kMasterCf, "master.cf", {"nope/unix/chroot=n"})->warnings ==
        std::vector<std::string>{"unmatched service_name/type: \"nope/unix/chroot=n\""});
  std::string line = "x unix - - n - - pipe -v -oa=b -o c=d flags=R -o a=notmine\n";
  std::string head = "x          unix  -       -       n       -       -       pipe -v\n";
  CHECK(text_of(edit_options(line, "master.cf", Change::set, {"x/unix/a=new value", "x/unix/e=f"})) ==
        head + "    -o {a=new value}\n    -o c=d\n    -o e=f\n    flags=R -o a=notmine\n");
  CHECK(text_of(edit_options(line, "master.cf", Change::remove, {"x/unix/a"})) ==
        head + "    -o c=d\n    flags=R -o a=notmine\n");
}
