#include <catch2/catch.hpp>
#include <random>

#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

namespace {

enum class Do { ehlo, helo, mail, mail_bad, rcpt, rcpt_bad, data, bdat, bdat_last, rset, noop, vrfy_utf8, unknown };
constexpr int kActions = 13;

/// What the RFCs allow, in as few words as possible: DATA and BDAT only after MAIL and an accepted RCPT since the last
/// reset; nothing but BDAT, RSET and the like within a chunked message.
struct Model {
  bool mail = false, bdat = false;
  int accepted = 0, refused = 0;
  int delivered = 0;
  void reset() { mail = bdat = false, accepted = refused = 0; }

  /// The first digit of the expected reply.
  int step(Do what) {
    bool ready = mail && accepted > 0;
    switch (what) {
      case Do::ehlo:
      case Do::helo:
      case Do::rset:
        reset();
        return 2;
      case Do::noop:
        return 2;
      case Do::mail:
        if (mail) return 5;
        mail = true;
        return 2;
      case Do::mail_bad:
      case Do::vrfy_utf8:
      case Do::unknown:
        return 5;
      case Do::rcpt:
        if (!mail || bdat) return 5;
        ++accepted;
        return 2;
      case Do::rcpt_bad:
        if (mail && !bdat) ++refused;
        return 5;
      case Do::data:
        if (!ready || bdat) return 5;
        ++delivered;
        reset();
        return 3;
      case Do::bdat:
        if (!ready) {
          reset();
          return 5;
        }
        bdat = true;
        return 2;
      case Do::bdat_last:
        if (ready) ++delivered;
        reset();
        return ready ? 2 : 5;
    }
    return 0;
  }
};

std::string_view text_of(Do what) {
  switch (what) {
    case Do::ehlo:
      return "EHLO client.example.org\r\n";
    case Do::helo:
      return "HELO client.example.org\r\n";
    case Do::mail:
      return "MAIL FROM:<s@x.org>\r\n";
    case Do::mail_bad:
      return "MAIL FROM:<@@>\r\n";
    case Do::rcpt:
      return "RCPT TO:<alice@example.test>\r\n";
    case Do::rcpt_bad:
      return "RCPT TO:<nosuch@example.test>\r\n";
    case Do::data:
      return "DATA\r\n";
    case Do::bdat:
      return "BDAT 4\r\nab\r\n";
    case Do::bdat_last:
      return "BDAT 4 LAST\r\ncd\r\n";
    case Do::rset:
      return "RSET\r\n";
    case Do::noop:
      return "NOOP\r\n";
    case Do::vrfy_utf8:
      return "VRFY j\xc3\xb6rg\r\n";
    case Do::unknown:
      return "EXPN x\r\n";
  }
  return "";
}

}  // namespace

TEST_CASE("S10 state machine: 400 random dialogs of 60 commands agree with the reference model", "[smtpd][attack]") {
  Bench bench(
      {"smtpd_hard_error_limit = 100000", "smtpd_soft_error_limit = 100000", "smtpd_junk_command_limit = 100000"});
  std::mt19937 random(20261122);
  for (int dialog = 0; dialog < 400; ++dialog) {
    bench.cleanup.messages.clear();
    bench.connect();
    bench.take();
    Model model;
    std::string history;
    for (int i = 0; i < 60; ++i) {
      // MAIL and RCPT more often than the rest, or few dialogs get anywhere.
      unsigned die = random() % (kActions + 6);
      Do what = die < kActions ? static_cast<Do>(die) : die % 2 == 0 ? Do::rcpt : Do::mail;
      history += text_of(what);
      int expected = model.step(what);
      std::string reply = bench.say(text_of(what));
      if (reply.empty() || reply[0] - '0' != expected) {
        INFO(history << " -> " << reply);
        FAIL("expected " << expected << "xx");
      }
      if (expected == 3) {
        reply = bench.say("x\r\n.\r\n");
        if (!reply.starts_with("250")) FAIL(history << " -> " << reply);
      }
    }
    REQUIRE(bench.cleanup.messages.size() == static_cast<size_t>(model.delivered));
    for (const Received& m : bench.cleanup.messages) REQUIRE(m.envelope.sender == "s@x.org");
  }
}
