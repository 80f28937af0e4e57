#include "smtpd/recent_logins.h"

#include <catch2/catch.hpp>

#include "smtpd/anvil.h"
#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;
using namespace std::chrono_literals;

TEST_CASE("POP-before-SMTP: an address counts for the time after its last log-in, exactly as it is",
          "[smtpd][pop_before_smtp]") {
  RecentLoginTable table(30min);
  TimePoint now = monotonic_now();
  table.add("192.0.2.7", now);
  table.add("2001:DB8::1", now);
  CHECK(table.has("192.0.2.7", now + 29min));
  CHECK(table.has("::ffff:192.0.2.7", now));
  CHECK(table.has("2001:db8:0::1", now));
  for (auto other : {"192.0.2.8", "192.0.2.0/24", "2001:db8::2", "2001:db8::", "", "unknown", "192.0.2.7 "}) {
    CHECK_FALSE(table.has(other, now));
  }
  table.add("192.0.2.7", now + 20min);
  CHECK(table.has("192.0.2.7", now + 49min));
  CHECK_FALSE(table.has("2001:db8::1", now + 30min));
  CHECK_FALSE(table.has("192.0.2.7", now + 50min));
  CHECK(table.size() == 0);
  for (auto bad : {"", "unknown", "192.0.2", "a b"}) table.add(bad, now);
  CHECK(table.size() == 0);
}

TEST_CASE("POP-before-SMTP: the table is bounded, its oldest go first, and switched off it keeps nothing",
          "[smtpd][pop_before_smtp]") {
  RecentLoginTable table(30min);
  TimePoint now = monotonic_now();
  auto address = [](size_t i) { return "2001:db8::" + std::to_string(i / 10000) + ":" + std::to_string(i % 10000); };
  for (size_t i = 0; i < RecentLoginTable::kMost; ++i) table.add(address(i), now);
  table.add(address(0), now + 1s);  // no longer the oldest
  for (size_t i = 0; i < 10; ++i) table.add("192.0.2." + std::to_string(i), now + 1s);
  CHECK(table.size() == RecentLoginTable::kMost);
  CHECK(table.has(address(0), now + 1s));
  CHECK_FALSE(table.has(address(1), now + 1s));
  CHECK_FALSE(table.has(address(10), now + 1s));
  CHECK(table.has(address(11), now + 1s));
  table.set_lifetime(0s);
  CHECK_FALSE(table.has(address(11), now + 1s));
  table.add("192.0.2.7", now + 1s);
  CHECK(table.size() == 0);
}

namespace {

/// anvil on the socket where the bench looks for it.
class AnvilAt {
 public:
  explicit AnvilAt(std::string path, Duration lifetime)
      : state{AnvilCounts(60s), RecentLoginTable(lifetime)}, path_(std::move(path)) {
    auto fd = event::listen_unix(path_, SOCK_SEQPACKET, 0600);
    listener_ = std::make_unique<event::Listener>(std::move(*fd), [this](Fd peer, const event::PeerAddress&) {
      scope_.spawn(serve_anvil(&state, std::move(peer)));
    });
  }
  ~AnvilAt() { unlink(path_.c_str()); }
  AnvilState state;

 private:
  std::string path_;
  event::TaskScope scope_;
  std::unique_ptr<event::Listener> listener_;
};

std::string ask(Bench& b, std::string_view recipient) {
  std::string reply = b.say("RCPT TO:<" + std::string(recipient) + ">\r\n");
  for (int rounds = 0; rounds < 100 && reply.empty(); ++rounds) reply = b.take();
  return reply;
}

std::string answer(Bench& b) {
  b.open("a@outside.test");
  return ask(b, "v@foreign.test");
}

}  // namespace

TEST_CASE("permit_pop_before_smtp: a log-in lets its address relay at once and for a time",
          "[smtpd][pop_before_smtp]") {
  std::vector<std::string> settings{"pop_before_smtp_enable = yes",
                                    "smtpd_relay_restrictions = permit_pop_before_smtp, reject_unauth_destination"};
  Bench b(settings);
  AnvilAt anvil(b.cleanup.directory() + "/anvil", 30min);
  CHECK(answer(b).starts_with("554 5.7.1 "));
  services::RecentLogins pop3d(b.cleanup.directory() + "/anvil");
  pop3d.note("198.51.100.8");
  CHECK(answer(b).starts_with("554 5.7.1 "));
  pop3d.note("198.51.100.7");
  CHECK(answer(b) == "250 2.1.5 Ok\r\n");
  CHECK(ask(b, "w@foreign.test") == "250 2.1.5 Ok\r\n");
  anvil.state.logins.set_lifetime(0s);
  CHECK(ask(b, "x@foreign.test").starts_with("554 5.7.1 "));
  // Off by default, whatever anvil knows.
  anvil.state.logins.set_lifetime(30min);
  pop3d.note("198.51.100.7");
  Bench off({settings[1]});
  AnvilAt other(off.cleanup.directory() + "/anvil", 30min);
  other.state.logins.add("198.51.100.7", monotonic_now());
  CHECK(answer(off).starts_with("554 5.7.1 "));
}

TEST_CASE("permit_pop_before_smtp: a table that cannot be asked defers what would be refused",
          "[smtpd][pop_before_smtp]") {
  Bench b(
      {"pop_before_smtp_enable = yes", "smtpd_relay_restrictions = permit_pop_before_smtp, reject_unauth_destination"});
  CHECK(answer(b).starts_with("450 4.3.0 "));
  CHECK(ask(b, "alice@example.test") == "250 2.1.5 Ok\r\n");
}
