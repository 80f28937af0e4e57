#include "commands/postconf/show.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

using namespace umaya;
using namespace umaya::postconf;

namespace {

/// A configuration directory of its own, removed at the end.
class Instance {
 public:
  Instance(std::string_view main_cf, std::string_view master_cf) {
    char name[] = "/tmp/postconf_test.XXXXXX";
    dir_ = mkdtemp(name);
    std::ofstream(dir_ + "/main.cf") << main_cf;
    std::ofstream(dir_ + "/master.cf") << master_cf;
  }
  ~Instance() {
    for (const char* file : {"/main.cf", "/master.cf"}) ::unlink((dir_ + file).c_str());
    ::rmdir(dir_.c_str());
  }

  Result<Answer> ask(const std::vector<std::string>& arguments) const {
    UMAYA_TRY(Request request, parse_command_line(arguments, dir_));
    return request.action == Action::edit ? edit(request) : show(request);
  }
  std::string text(const std::vector<std::string>& arguments) const {
    auto answer = ask(arguments);
    if (!answer) FAIL(answer.error().what);
    return answer->text;
  }
  std::string error(const std::vector<std::string>& arguments) const {
    auto answer = ask(arguments);
    REQUIRE_FALSE(answer);
    return answer.error().what;
  }
  std::string file(const std::string& name) const {
    std::ifstream in(dir_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  const std::string& dir() const { return dir_; }

 private:
  std::string dir_;
};

const Instance& lab() {
  static const Instance instance(
      "compatibility_level = 3.6\n"
      "b = 1\n"
      "smtpd_banner = [${a?x}] [${b? x }]\n"
      "mydestination = a, b, c.example.com dddddddddddddddddddddddddddd,\n"
      "   # z\n"
      "   eeeeeeeeeeeeeeeeeeeeeee, ffffffffffff,gggggggggggg\n"
      "mydomain = example.com\n"
      "myhostname=mx.$mydomain\n"
      "foo = 1\n"
      "virtual_maps = hash:/x\n"
      "relayhost =\n",
      "b inet n - n - - smtpd -o mail_name=x -o a=$b\n"
      "a unix n - n - - smtp -o mail_name=z\n"
      "# c\n"
      "x unix n - n - - pipe\n"
      "   -o { long = with blanks }\n"
      "   flags=X user=foo argv=/bin/something/quite/long ${recipient} {a b} zzzzzzzzzzzzzzzzzzzzzzzzz\n");
  return instance;
}

}  // namespace

TEST_CASE("postconf: -n prints what main.cf sets, sorted, on one line each", "[postconf][show]") {
  CHECK(lab().text({"-n"}) ==
        "b = 1\n"
        "compatibility_level = 3.6\n"
        "config_directory = " +
            lab().dir() +
            "\n"
            "mydestination = a, b, c.example.com dddddddddddddddddddddddddddd, eeeeeeeeeeeeeeeeeeeeeee, "
            "ffffffffffff,gggggggggggg\n"
            "mydomain = example.com\n"
            "myhostname = mx.$mydomain\n"
            "relayhost =\n"
            "smtpd_banner = [${a?x}] [${b? x }]\n"
            "virtual_maps = hash:/x\n");
}

TEST_CASE("postconf: -x expands, -h and -H print one side, -f folds at 80 columns", "[postconf][show]") {
  CHECK(lab().text({"-x", "myhostname", "smtpd_banner"}) == "myhostname = mx.example.com\nsmtpd_banner = [] [ x ]\n");
  CHECK(lab().text({"-h", "relayhost", "mydomain"}) == "\nexample.com\n");
  CHECK(lab().text({"-H", "relayhost"}) == "relayhost\n");
  CHECK(lab().text({"-f", "mydestination"}) ==
        "mydestination = a, b, c.example.com dddddddddddddddddddddddddddd,\n"
        "    eeeeeeeeeeeeeeeeeeeeeee, ffffffffffff,gggggggggggg\n");
  CHECK(lab().text({"-fh", "mydestination"}) ==
        "a, b, c.example.com dddddddddddddddddddddddddddd, eeeeeeeeeeeeeeeeeeeeeee,\n"
        "    ffffffffffff,gggggggggggg\n");
  CHECK(lab().text({"-j", "mydomain"}) == "{\"mydomain\": \"example.com\"}\n");
}

TEST_CASE("postconf: -d prints defaults as written in the table", "[postconf][show]") {
  CHECK(lab().text({"-d", "mydestination", "config_directory", "relayhost"}) ==
        "mydestination = $myhostname, localhost.$mydomain, localhost\nconfig_directory = /etc/umaya\nrelayhost =\n");
  CHECK(lab().text({"-o", "myorigin=zz", "-h", "myorigin"}) == "zz\n");
}

TEST_CASE("postconf: warns of unknown, unused and undefined names", "[postconf][show]") {
  auto answer = lab().ask({"nosuch"});
  REQUIRE(answer);
  CHECK(answer->text.empty());
  CHECK(answer->warnings == std::vector<std::string>{"nosuch: unknown parameter",
                                                     lab().dir() + "/main.cf: unused parameter: foo=1",
                                                     lab().dir() + "/master.cf: unused parameter: long=with blanks"});
  CHECK(lab().ask({"-q", "nosuch"})->warnings.empty());
}

TEST_CASE("postconf: transports of master.cf have parameters of their own", "[postconf][show]") {
  std::string text = lab().text({"-C", "service"});
  CHECK(text.find("a_destination_recipient_limit = $default_destination_recipient_limit\n") != std::string::npos);
  CHECK(text.find("x_time_limit = $command_time_limit\n") != std::string::npos);
  CHECK(text.find("a_time_limit") == std::string::npos);
  CHECK(lab().text({"-C", "user"}) == "b = 1\nvirtual_maps = hash:/x\n");
}

TEST_CASE("postconf: -M, -F and -P print master.cf", "[postconf][show]") {
  CHECK(lab().text({"-M", "a"}) == "a          unix  n       -       n       -       -       smtp -o mail_name=z\n");
  CHECK(lab().text({"-Mf", "x/unix"}) ==
        "x          unix  n       -       n       -       -       pipe\n"
        "    -o {long=with blanks}\n"
        "    flags=X user=foo argv=/bin/something/quite/long ${recipient} {a b}\n"
        "    zzzzzzzzzzzzzzzzzzzzzzzzz\n");
  CHECK(lab().text({"-F", "*/*/chroot"}) == "b/inet/chroot = n\na/unix/chroot = n\nx/unix/chroot = n\n");
  CHECK(lab().text({"-F", "a/unix/command"}) == "a/unix/command = smtp -o mail_name=z\n");
  CHECK(lab().text({"-P"}) == "b/inet/a = $b\nb/inet/mail_name = x\na/unix/mail_name = z\nx/unix/long = with blanks\n");
  CHECK(lab().text({"-xP", "b/inet/a"}) == "b/inet/a = 1\n");
  auto nothing = lab().ask({"-M", "nosuch"});
  REQUIRE(nothing);
  CHECK(nothing->warnings.front() == "unmatched request: \"nosuch\"");
}

TEST_CASE("postconf: -t prints the bounce templates and -b fills them in", "[postconf][show]") {
  CHECK(lab().text({"-t"}).find("failure_template = <<EOF\n") != std::string::npos);
  CHECK(lab().text({"-t"}).find("host $myhostname") != std::string::npos);
  CHECK(lab().text({"-b"}).find("host mx.example.com") != std::string::npos);
  CHECK(lab().error({"-t", "/nonexistent"}) == "open /nonexistent: No such file or directory");
}

TEST_CASE("postconf: refuses options that exclude each other", "[postconf][request]") {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"-n", "-d"}, "specify one of -d -n"},
      {{"-MH"}, "with option -M, do not specify -H"},
      {{"-Pn"}, "with option -P, do not specify -n"},
      {{"-e"}, "-e requires name=value argument"},
      {{"-MX"}, "missing service argument"},
      {{"-C", "bogus"}, "unknown -C option value \"bogus\" in \"bogus\""},
      {{"-o", "foo"}, "invalid parameter override: foo: missing '=' after attribute name"},
      {{"-F", "b/inet/nofield"}, "invalid service attribute name: \"nofield\""},
      {{"foo=a", "b"}, "missing '=' after attribute name: \"b\""}};
  for (const auto& [arguments, what] : cases) CHECK(lab().error(arguments) == what);
  CHECK(lab().error({"-Z"}).find("invalid option -- 'Z'") == 0);
  CHECK(lab().error({"-c"}).find("option -c requires an argument") == 0);
}

TEST_CASE("postconf: edits replace the file as a whole and keep its mode", "[postconf][edit]") {
  Instance instance("# head\nmyorigin = a\n", "smtp inet n - y - - smtpd\n");
  ::chmod((instance.dir() + "/main.cf").c_str(), 0640);
  CHECK(instance.text({"myorigin=b", "relayhost = [mx]"}).empty());
  CHECK(instance.file("main.cf") == "# head\nmyorigin = b\nrelayhost = [mx]\n");
  struct stat st;
  REQUIRE(::stat((instance.dir() + "/main.cf").c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0640);
  instance.text({"-F", "smtp/inet/chroot=n"});
  CHECK(instance.file("master.cf") == "smtp       inet  n       -       n       -       -       smtpd\n");
}

TEST_CASE("postconf: a missing main.cf is an error, but not for -d", "[postconf][show]") {
  CHECK(lab().error({"-c", "/nonexistent", "-n"}) == "open /nonexistent/main.cf: No such file or directory");
  CHECK(lab().text({"-c", "/nonexistent", "-d", "myorigin"}) == "myorigin = $myhostname\n");
}
