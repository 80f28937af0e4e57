#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "pop3d/command.h"
#include "pop3d/mailbox_session.h"
#include "pop3d/params.h"
#include "pop3d/top_filter.h"
#include "pop3d/transaction.h"

using namespace umaya;
using namespace umaya::pop3d;
namespace stdfs = std::filesystem;

namespace {

class Box {
 public:
  Box() : path_(stdfs::temp_directory_path() / ("umaya_pop3_" + std::to_string(getpid()))) {
    stdfs::remove_all(path_);
    stdfs::create_directories(path_ / "new");
    stdfs::create_directories(path_ / "cur");
    put("1.a", "Subject: one\n\nbody\n.dot\n");
    put("2.b", "Subject: two\n\nl1\nl2\nl3\n");
    put("3.c", "no end of line");
  }
  ~Box() { stdfs::remove_all(path_); }
  void put(const std::string& name, const std::string& text) { std::ofstream(path_ / "new" / name) << text; }
  std::string path() const { return path_; }
  size_t count() const {
    auto entries = stdfs::directory_iterator(path_ / "new");
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }

 private:
  stdfs::path path_;
};

Params params() {
  Params p;
  p.timeout = std::chrono::seconds(5);
  p.bad_command_limit = 3;
  return p;
}

event::Task<void> serve(event::Stream* client, mailbox::PopBox* box, const Params* p) {
  Transaction session(*client, *box, *p, "u");
  co_await session.run();
}

/// What the session answers when the client sends this, in pieces of the given size, and closes.
std::string talk(const Box& box, const std::string& input, size_t piece = 4096) {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  Fd client(ends[1]);
  event::Loop loop;
  event::Stream stream{Fd(ends[0])};
  auto reader = mailbox::PopBox::open("maildir:" + box.path(), {});
  REQUIRE(reader);
  Params p = params();
  event::TaskScope scope;
  scope.spawn(serve(&stream, reader->get(), &p));
  std::string output;
  auto drain = [&] {
    char block[65536];
    for (ssize_t n; (n = read(client.get(), block, sizeof block)) > 0;) output.append(block, static_cast<size_t>(n));
  };
  for (size_t at = 0; at < input.size(); at += piece) {
    std::string part = input.substr(at, piece);
    (void)!write(client.get(), part.data(), part.size());
    loop.run_once();
    drain();
  }
  shutdown(client.get(), SHUT_WR);
  for (int i = 0; i < 100 && !scope.empty(); ++i) {
    loop.run_once();
    drain();
  }
  CHECK(scope.empty());
  drain();
  return output;
}

}  // namespace

TEST_CASE("pop3 command: lines are taken apart", "[pop3d][command]") {
  Command command = parse_command("ToP 1  20\r\n");
  CHECK(find_verb(command.verb)->verb == Verb::top);
  CHECK(command.arguments == std::vector<std::string_view>{"1", "20"});
  CHECK(parse_command("PASS a b \r\n").rest == "a b ");
  CHECK(parse_command("\r\n").verb.empty());
  CHECK(find_verb("XYZZY") == nullptr);
  CHECK(find_verb("") == nullptr);
  CHECK(parse_message_number("3", 3) == 3u);
  for (const char* bad : {"0", "4", "-1", "x", "1x", "", "99999999999999999999"})
    CHECK_FALSE(parse_message_number(bad, 3));
}

TEST_CASE("pop3 session: STAT, LIST, UIDL, RETR and TOP answer as RFC 1939 says", "[pop3d][session]") {
  Box box;
  CHECK(talk(box, "STAT\r\nLIST\r\nLIST 2\r\nUIDL\r\nRETR 1\r\nTOP 2 1\r\nRETR 3\r\nQUIT\r\n") ==
        "+OK Logged in.\r\n"
        "+OK 3 72\r\n"
        "+OK 3 messages (72 octets)\r\n1 28\r\n2 28\r\n3 16\r\n.\r\n"
        "+OK 2 28\r\n"
        "+OK\r\n1 1.a\r\n2 2.b\r\n3 3.c\r\n.\r\n"
        "+OK 28 octets\r\nSubject: one\r\n\r\nbody\r\n..dot\r\n.\r\n"
        "+OK\r\nSubject: two\r\n\r\nl1\r\n.\r\n"
        "+OK 16 octets\r\nno end of line\r\n.\r\n"
        "+OK Bye.\r\n");
  CHECK(box.count() == 3);
}

TEST_CASE("pop3 session: the answers do not depend on how the commands arrive", "[pop3d][session]") {
  Box box;
  std::string commands = "STAT\r\nDELE 1\r\nRSET\r\nLIST\r\nRETR 2\r\nNOOP\r\nQUIT\r\n";
  std::string whole = talk(box, commands);
  for (size_t piece : {1, 2, 3, 5, 7}) CHECK(talk(box, commands, piece) == whole);
}

TEST_CASE("pop3 session: A15 QUIT removes what DELE marked, a lost connection removes nothing", "[pop3d][session]") {
  Box box;
  std::string lost = talk(box, "DELE 1\r\nDELE 1\r\nSTAT\r\nRETR 1\r\n");
  CHECK(lost ==
        "+OK Logged in.\r\n+OK Marked to be deleted.\r\n-ERR Message 1 is deleted.\r\n+OK 2 44\r\n"
        "-ERR Message 1 is deleted.\r\n");
  CHECK(box.count() == 3);
  CHECK(talk(box, "DELE 1\r\nDELE 3\r\nQUIT\r\n").ends_with("+OK Bye, messages deleted.\r\n"));
  CHECK(box.count() == 1);
}

TEST_CASE("pop3 session: too many bad commands end it", "[pop3d][session]") {
  Box box;
  std::string output = talk(box, "X\r\nLIST 9\r\nUSER x\r\nSTAT\r\n");
  CHECK(output ==
        "+OK Logged in.\r\n-ERR Unknown command.\r\n-ERR There is no message 9.\r\n-ERR Already logged in.\r\n");
  std::string long_line(2000, 'x');
  long_line += "\r\n";
  CHECK(talk(box, long_line).find("-ERR The line is too long.") != std::string::npos);
}

TEST_CASE("pop3 session: a large message comes whole", "[pop3d][session]") {
  Box box;
  std::string text = "Subject: big\n\n";
  for (int i = 0; i < 20000; ++i) text += ".line " + std::to_string(i) + "\n";
  box.put("4.d", text);
  std::string output = talk(box, "RETR 4\r\nQUIT\r\n");
  CHECK(output.find("..line 0\r\n") != std::string::npos);
  CHECK(output.find("..line 19999\r\n.\r\n+OK Bye.\r\n") != std::string::npos);
}

TEST_CASE("pop3 top filter: agrees however the message is cut", "[pop3d][top]") {
  std::string text = "H: 1\nH: 2\r\n\r\nb1\nb2\n\nb4\n";
  for (uint64_t lines : {0, 1, 2, 3, 100}) {
    std::string expected;
    for (size_t piece = 1; piece <= text.size(); ++piece) {
      TopFilter filter(lines);
      std::string got;
      for (size_t at = 0; at < text.size() && !filter.done(); at += piece) got += filter.take(text.substr(at, piece));
      if (piece == 1) expected = got;
      CHECK(got == expected);
    }
    // Two CR are no empty line.
    CHECK(TopFilter(0).take("H: 1\n\r\r\n\nb\n") == "H: 1\n\r\r\n\n");
    if (lines == 0) CHECK(expected == "H: 1\nH: 2\r\n\r\n");
    if (lines == 2) CHECK(expected == "H: 1\nH: 2\r\n\r\nb1\nb2\n");
    if (lines == 100) CHECK(expected == text);
  }
}

TEST_CASE("pop3 mailbox: the place of the Maildir comes from the user, the parameter or the default", "[pop3d]") {
  auto path = [](std::string mail, std::string home, std::string home_mailbox) {
    return maildir_of({"u", 1, 1, std::move(home), std::move(mail)}, home_mailbox).value_or("error");
  };
  CHECK(path("", "/home/u", "Maildir/") == "/home/u/Maildir");
  CHECK(path("", "/home/u", "") == "/home/u/Maildir");
  CHECK(path("", "/home/u", "Mail/box/") == "/home/u/Mail/box");
  CHECK(path("maildir:~/M:LAYOUT=fs", "/home/u", "x/") == "/home/u/M");
  CHECK(path("/var/mail/v/u", "", "x/") == "/var/mail/v/u");
  CHECK(path("mbox:~/mail", "/home/u", "x/") == "error");
  CHECK(path("", "", "Maildir/") == "error");
}

TEST_CASE("pop3 params: every binding has its row", "[pop3d][params]") {
  CHECK(config::check_bindings(kBindings) == std::vector<std::string>{});
}
