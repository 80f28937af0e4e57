#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "pop3d/command.h"
#include "pop3d/params.h"
#include "pop3d/sessions/offload.h"
#include "pop3d/top_filter.h"
#include "pop3d/transaction.h"
#include "tests/pop3d/pop_talk.h"

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
  size_t count() const { return count_in("new") + count_in("cur"); }
  size_t count_in(const char* directory) const {
    auto entries = stdfs::directory_iterator(path_ / directory);
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

event::Task<void> serve(event::Stream* client, Transaction::SharedBox box, Offload* offload, const Params* p,
                        bool utf8) {
  Transaction::Owner owner{"u", "s", utf8};
  Transaction session(*client, std::move(box), *offload, *p, std::move(owner));
  co_await session.run();
}

struct Setting {
  size_t piece = 4096;
  size_t threads = 0;
  bool utf8 = false;
};

std::string talk(const Box& box, const std::string& input, Setting setting = {}) {
  event::Loop loop;
  Offload offload(setting.threads);
  auto reader = mailbox::PopBox::open("maildir:" + box.path(), {});
  REQUIRE(reader);
  Transaction::SharedBox shared(std::move(*reader));
  Params p = params();
  return pop_talk(loop, input, setting.piece,
                  [&](event::Stream* client) { return serve(client, shared, &offload, &p, setting.utf8); });
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
  CHECK(stdfs::exists(box.path() + "/cur/1.a:2,S"));  // what was fetched whole is marked as read
  CHECK(stdfs::exists(box.path() + "/new/2.b"));
}

TEST_CASE("pop3 session: the answers do not depend on how the commands arrive", "[pop3d][session]") {
  Box box;
  std::string commands = "STAT\r\nDELE 1\r\nRSET\r\nLIST\r\nRETR 2\r\nNOOP\r\nQUIT\r\n";
  std::string whole = talk(box, commands);
  for (size_t piece : {1, 2, 3, 5, 7}) CHECK(talk(box, commands, {.piece = piece}) == whole);
  CHECK(talk(box, commands, {.threads = 2}) == whole);
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

TEST_CASE("pop3 session: a list of many messages comes in pieces and whole", "[pop3d][session]") {
  Box box;
  constexpr int kMany = 20000;
  for (int i = 0; i < kMany; ++i) box.put("9." + std::to_string(100000 + i), "x\n");
  for (size_t threads : {0u, 2u}) {
    std::string output = talk(box, "LIST\r\nNOOP\r\nDELE 20003\r\nUIDL\r\nQUIT\r\n", {.threads = threads});
    CHECK(output.find("+OK 20003 messages (60072 octets)\r\n1 28\r\n") != std::string::npos);
    CHECK(output.find("\r\n20003 3\r\n.\r\n+OK\r\n+OK Marked to be deleted.\r\n+OK\r\n1 1.a\r\n") != std::string::npos);
    CHECK(output.find("\r\n8193 ") != std::string::npos);
    bool ends = output.find("\r\n20002 9.119998\r\n.\r\n+OK Bye, messages deleted.\r\n") != std::string::npos;
    CHECK(ends);
    box.put("9.119999", "x\n");
  }
}

TEST_CASE("pop3 session: an empty mailbox has empty lists", "[pop3d][session]") {
  Box box;
  CHECK(talk(box, "DELE 1\r\nDELE 2\r\nDELE 3\r\nQUIT\r\n").ends_with("+OK Bye, messages deleted.\r\n"));
  CHECK(talk(box, "STAT\r\nLIST\r\nUIDL\r\nQUIT\r\n") ==
        "+OK Logged in.\r\n+OK 0 0\r\n+OK 0 messages (0 octets)\r\n.\r\n+OK\r\n.\r\n+OK Bye.\r\n");
}

TEST_CASE("pop3 session: headers in UTF-8 are for clients that gave UTF8", "[pop3d][session]") {
  Box box;
  box.put("5.e", "Subject: gr\u00fc\u00dfe\n\nb\u00f6dy\n");
  std::string with = talk(box, "RETR 4\r\nTOP 4 0\r\nQUIT\r\n", {.utf8 = true});
  CHECK(with ==
        "+OK Logged in.\r\n+OK 27 octets\r\nSubject: gr\u00fc\u00dfe\r\n\r\nb\u00f6dy\r\n.\r\n"
        "+OK\r\nSubject: gr\u00fc\u00dfe\r\n\r\n.\r\n+OK Bye.\r\n");
  std::string without = talk(box, "RETR 4\r\nTOP 4 0\r\nQUIT\r\n");
  CHECK(without ==
        "+OK Logged in.\r\n+OK 44 octets\r\nSubject: =?utf-8?B?Z3LDvMOfZQ==?=\r\n\r\nb\u00f6dy\r\n.\r\n"
        "+OK\r\nSubject: =?utf-8?B?Z3LDvMOfZQ==?=\r\n\r\n.\r\n+OK Bye.\r\n");
}

TEST_CASE("pop3 session: what does not belong after a log-in is refused", "[pop3d][session]") {
  Box box;
  std::string output = talk(box, "UTF8\r\nLANG\r\nLANG xx\r\nLANG *\r\nCAPA\r\nLAST\r\nQUIT\r\n");
  CHECK(output ==
        "+OK Logged in.\r\n-ERR Already logged in.\r\n+OK Languages:\r\nen English\r\n.\r\n"
        "-ERR This language is not spoken here; LANG lists those that are.\r\n+OK en Texts are in English.\r\n"
        "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nLANG\r\nUTF8\r\n"
        "EXPIRE NEVER\r\nIMPLEMENTATION Umaya\r\n.\r\n-ERR Unknown command.\r\n+OK Bye.\r\n");
}

TEST_CASE("pop3 params: every binding has its row", "[pop3d][params]") {
  CHECK(config::check_bindings(kBindings) == std::vector<std::string>{});
}
