#include <fcntl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "cleanup/session.h"
#include "libcommon/log/log.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/queue/queue_id.h"
#include "libcommon/services/cleanup.h"
#include "tests/support/failing_calls.h"
#include "tests/support/power_cut.h"
#include "tests/support/temp_directory.h"

using namespace umaya;
namespace sc = umaya::services::cleanup;

namespace {

/// An instance in a directory of its own, and one client of cleanup.
class Instance {
 public:
  explicit Instance(const std::string& more = "") {
    char name[] = "/tmp/umaya-cleanup-XXXXXX";
    dir_ = mkdtemp(name);
    std::filesystem::create_directory(dir_ + "/incoming");
    std::filesystem::create_directory(dir_ + "/hold");
    log::capture([this](log::Level, std::string_view line) { logged.emplace_back(line); });
    config::HostFacts host;
    host.hostname = "mx.example.com";
    auto config = config::Config::from_text(
        "myhostname = mx.example.com\nmyorigin = example.com\nmydestination = example.com\nqueue_directory = " + dir_ +
            "\n" + more,
        "/nowhere", {}, host);
    INFO((config ? std::string() : config.error().what));
    REQUIRE(config);
    auto opened = cleanup::Service::open(*config);
    REQUIRE(opened);
    service_ = std::move(*opened);
    service_->start(scope_);
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    scope_.spawn(cleanup::serve(*service_, process_, Fd(pair[0])));
    client_ = std::make_unique<ipc::Channel>(Fd(pair[1]));
  }
  ~Instance() {
    scope_.cancel();
    log::capture(nullptr);
    std::filesystem::remove_all(dir_);
  }
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  static sc::Submission submission(const std::vector<std::string>& recipients,
                                   std::string content = "Subject: x\r\n\r\nhi\r\n") {
    sc::Submission s;
    s.envelope.queue_id = queue::make_id(queue::IdForm::short_form);
    s.envelope.sender = "sender@example.com";
    s.envelope.arrival_usec = 1795320000'000000;
    s.envelope.attributes.push_back({"log_message_origin", "client[192.0.2.9]"});
    s.options = sc::kMapAddresses | sc::kCheckContent | sc::kRewriteLocally | sc::kLimitSize;
    for (const std::string& r : recipients) s.recipients.push_back({r, {}, {}, 0});
    s.content = std::move(content);
    return s;
  }

  sc::Outcome post(sc::Submission s) {
    constexpr size_t kPacket = 50'000;
    last_id = s.envelope.queue_id;
    if (s.content.size() > kPacket) return post_in_pieces(std::move(s), kPacket);
    auto outcome = event::run_until_done(client_->call<sc::Outcome>(std::move(s)));
    REQUIRE(outcome);
    return *outcome;
  }
  sc::Outcome post_in_pieces(sc::Submission s, size_t size) {
    std::string content = std::exchange(s.content, {});
    s.last_content = false;
    REQUIRE(event::run_until_done(client_->send(std::move(s))));
    for (size_t at = 0; at < content.size(); at += size) {
      sc::Content piece;
      piece.bytes = content.substr(at, size);
      piece.last = at + size >= content.size();
      REQUIRE(event::run_until_done(client_->send(std::move(piece))));
    }
    auto outcome = event::run_until_done(client_->receive<sc::Outcome>());
    REQUIRE(outcome);
    return *outcome;
  }
  std::string code(sc::Submission s) {
    auto o = post(std::move(s));
    return std::to_string(o.smtp_code) + " " + o.dsn + (o.text.empty() ? "" : " " + o.text);
  }
  ipc::Channel& client() { return *client_; }
  void end_client() { client_.reset(); }

  struct Stored {
    queue::Envelope envelope;
    std::vector<queue::StoredRecipient> recipients;
    std::string content;
    std::string addresses() const {
      std::string out;
      for (const auto& r : recipients) out += r.address + (r.original.empty() ? "" : "(" + r.original + ")") + " ";
      return out;
    }
  };
  Stored read(const std::string& queue = "incoming") {
    Stored out;
    Fd fd(open((dir_ + "/" + queue + "/" + last_id).c_str(), O_RDONLY));
    REQUIRE(fd);
    auto reader = queue::MessageReader::open(fd.get());
    REQUIRE(reader);
    out.envelope = reader->envelope();
    queue::RecipientCursor cursor;
    for (;;) {
      auto some = reader->read_recipients(cursor, 100);
      REQUIRE(some);
      if (some->empty()) break;
      out.recipients.insert(out.recipients.end(), some->begin(), some->end());
    }
    std::string buffer(reader->info().content_size, '\0');
    REQUIRE(*reader->read_content(buffer, 0) == buffer.size());
    out.content = buffer;
    return out;
  }
  bool queue_is_empty() const {
    return std::filesystem::is_empty(dir_ + "/incoming") && std::filesystem::is_empty(dir_ + "/hold");
  }
  bool has_logged(std::string_view text) const {
    for (const std::string& line : logged) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
  std::string dir_;
  std::string last_id;
  std::vector<std::string> logged;

 private:
  daemon::Process process_;
  event::TaskScope scope_;
  std::unique_ptr<cleanup::Service> service_;
  std::unique_ptr<ipc::Channel> client_;
};

}  // namespace

TEST_CASE("cleanup intake: a message is complete and on disk when it is accepted", "[cleanup]") {
  Instance instance;
  CHECK(instance.code(Instance::submission({"user", "b@other.test"})) == "250 2.0.0");
  auto stored = instance.read();
  CHECK(stored.envelope.sender == "sender@example.com");
  CHECK(stored.addresses() == "user@example.com(user) b@other.test ");
  std::string id = "Message-Id: <20261122040000." + instance.last_id + "@mx.example.com>\r\n";
  CHECK(stored.content.starts_with("Subject: x\r\n" + id + "Date: "));
  CHECK(stored.content.ends_with("\r\nFrom: sender@example.com\r\n\r\nhi\r\n"));
  CHECK(instance.has_logged(instance.last_id + ": message-id=<20261122040000." + instance.last_id));
}

TEST_CASE("cleanup intake: promise 1 what was answered with 250 outlives a power cut, a moment before nothing half",
          "[cleanup]") {
  Instance instance;
  test::TempDirectory other;
  test::PowerCut disk(instance.dir_);
  fs::ScopedCalls scope(disk);
  CHECK(instance.code(Instance::submission({"b@other.test"})) == "250 2.0.0");
  for (auto survivors : {test::Survivors::synced, test::Survivors::names_and_synced, test::Survivors::everything}) {
    for (size_t step = 0; step <= disk.steps(); ++step) {
      disk.rebuild(step, survivors, other.path());
      std::string path = other / ("incoming/" + instance.last_id);
      struct stat status {};
      bool is_marked = ::stat(path.c_str(), &status) == 0 && (status.st_mode & queue::mode::kReadyBit) != 0;
      Fd fd(open(path.c_str(), O_RDONLY));
      auto reader = queue::MessageReader::open(fd.get());
      CAPTURE(step, static_cast<int>(survivors));
      if (step == disk.steps()) REQUIRE(reader);
      if (is_marked) REQUIRE(reader);  // or it would lie in corrupt/ for somebody to look at
      if (reader) REQUIRE(reader->info().recipient_count == 1);
    }
  }
}

TEST_CASE(
    "cleanup intake: Q2 whichever call fails, the client hears 4xx or the message is whole, and nothing stays open",
    "[cleanup]") {
  for (int error : test::kDiskErrors) {
    for (size_t text : {size_t{10}, size_t{150'000}}) {
      Instance instance;
      auto submission = [&] {
        return Instance::submission({"b@other.test"}, "Subject: x\r\n\r\n" + std::string(text, 'x') + "\r\n");
      };
      CHECK(instance.code(submission()) == "250 2.0.0");
      size_t descriptors = test::open_descriptors();
      for (int number = 1;; ++number) {
        std::filesystem::remove_all(instance.dir_ + "/incoming");
        std::filesystem::create_directory(instance.dir_ + "/incoming");
        test::FailingCalls failing(number, error);
        std::string code;
        {
          fs::ScopedCalls scope(failing);
          code = instance.code(submission());
        }
        CAPTURE(error, text, number, code);
        bool was_last = failing.made() < number;
        if (was_last || error == test::kShortWrite) REQUIRE(code == "250 2.0.0");
        if (code == "250 2.0.0") {
          REQUIRE(instance.read().addresses() == "b@other.test ");
        } else {
          bool is_full = error == ENOSPC || error == EDQUOT;
          REQUIRE(code ==
                  (is_full ? "452 4.3.1 Insufficient system storage" : "451 4.3.0 Error: queue file write error"));
          REQUIRE(instance.queue_is_empty());
        }
        REQUIRE(test::open_descriptors() == descriptors);
        if (was_last) break;
      }
    }
  }
}

TEST_CASE("cleanup intake: remote mail gets no headers and no rewriting unless asked for", "[cleanup]") {
  Instance instance("canonical_maps = inline:{a@example.com=b@example.com}\n");
  auto s = Instance::submission({"a@example.com"}, "From: a@example.com\r\nTo: user\r\n\r\nhi");
  s.options &= ~uint32_t{sc::kRewriteLocally};
  CHECK(instance.code(std::move(s)) == "250 2.0.0");
  auto stored = instance.read();
  CHECK(stored.content == "From: a@example.com\r\nTo: user\r\n\r\nhi\r\n");
  CHECK(stored.addresses() == "b@example.com(a@example.com) ");
  CHECK(instance.has_logged("message-id=<>"));

  Instance invalid("remote_header_rewrite_domain = domain.invalid\n");
  s = Instance::submission({"a@example.com"},
                           "From: a\r\nMessage-ID: <1@x>\r\nDate: d\r\nTo: user@h (c)\r\n\r\nhi\r\n");
  s.options &= ~uint32_t{sc::kRewriteLocally};
  CHECK(invalid.code(std::move(s)) == "250 2.0.0");
  CHECK(invalid.read().content ==
        "From: a@domain.invalid\r\nMessage-ID: <1@x>\r\nDate: d\r\n"
        "To: user@h.domain.invalid (c)\r\n\r\nhi\r\n");
}

TEST_CASE("cleanup intake: headers and envelope are mapped, their form stays", "[cleanup]") {
  Instance instance(
      "canonical_maps = inline:{k=Kei.Mizo@example.com}\nsender_canonical_maps = inline:{s=boss}\n"
      "virtual_alias_maps = inline:{{list@example.com = a, k@other.test, a}}\n"
      "masquerade_domains = example.com\n");
  auto s = Instance::submission({"list", "k", "A@example.com"},
                                "From: S <s@example.com>\r\nTo: \"K. M.\" <k>,\r\n\tlist "
                                "(all),b@h.example.com\r\nReturn-Path: <x>\r\nbcc: q\r\n\r\n");
  CHECK(instance.code(std::move(s)) == "250 2.0.0");
  auto stored = instance.read();
  CHECK(stored.addresses() == "a@example.com(list) k@other.test(list) Kei.Mizo@example.com(k) A@example.com ");
  CHECK(
      stored.content.starts_with("From: S <boss@example.com>\r\nTo: \"K. M.\" <Kei.Mizo@example.com>,\r\n\t"
                                 "list@example.com (all),b@example.com\r\nMessage-Id: "));
}

TEST_CASE("cleanup intake: enable_original_recipient decides what a duplicate is", "[cleanup]") {
  Instance instance("enable_original_recipient = no\nvirtual_alias_maps = inline:{{x@example.com = a}}\n");
  CHECK(instance.code(Instance::submission({"x", "a", "A@example.com"})) == "250 2.0.0");
  CHECK(instance.read().addresses() == "a@example.com(x) ");
}

/// What stands in the queue file for a recipient: "address:notify " for each.
static std::string stored_for(Instance& instance, const std::string& to, uint8_t notify, uint32_t more_options = 0) {
  auto s = Instance::submission({to});
  s.recipients[0].notify = notify;
  s.recipients[0].dsn_original = "rfc822;" + to;
  s.options |= more_options;
  CHECK(instance.code(std::move(s)) == "250 2.0.0");
  std::string out;
  for (const auto& r : instance.read().recipients) out += r.address + ":" + std::to_string(r.notify) + " ";
  return out;
}

TEST_CASE("cleanup intake: a virtual alias of several addresses is told as expanded when success is to be told",
          "[cleanup][dsn]") {
  namespace n = queue::notify;
  Instance instance("virtual_alias_maps = inline:{{list@example.com=a@x.test,b@x.test},{one@example.com=c@x.test}}\n");
  auto told = std::to_string(n::kSuccess | n::kExpanded);
  CHECK(stored_for(instance, "list@example.com", n::kSuccess) ==
        "list@example.com:" + told + " a@x.test:1 b@x.test:1 ");
  CHECK(instance.read().recipients[0].dsn_original == "rfc822;list@example.com");
  CHECK(stored_for(instance, "list", n::kSuccess | n::kFailure) ==
        "list@example.com:" + told + " a@x.test:4 b@x.test:4 ");
  CHECK(stored_for(instance, "list@example.com", n::kFailure) == "a@x.test:4 b@x.test:4 ");
  CHECK(stored_for(instance, "list@example.com", 0) == "a@x.test:0 b@x.test:0 ");
  // A message that is queued anew names the alias, and is not expanded again.
  CHECK(stored_for(instance, "list@example.com", n::kSuccess | n::kExpanded) == "list@example.com:" + told + " ");
  CHECK(stored_for(instance, "one@example.com", n::kSuccess) == "c@x.test:2 ");  // RFC 3461 5.2.7.1: the duty passes on
  CHECK(stored_for(instance, "list@example.com", n::kSuccess, sc::kVerifyOnly) == "a@x.test:1 b@x.test:1 ");
}

TEST_CASE("cleanup intake: recipients of headers are taken for sendmail -t, resent ones first", "[cleanup]") {
  Instance instance;
  auto s = Instance::submission({"extra"}, "To: a, G: b, c@x.test;\r\nCc: d\r\nBcc: hidden\r\n\r\n");
  s.options |= sc::kExtractRecipients;
  CHECK(instance.code(std::move(s)) == "250 2.0.0");
  auto stored = instance.read();
  CHECK(stored.addresses() ==
        "extra@example.com(extra) a@example.com b@example.com c@x.test d@example.com hidden@example.com ");
  CHECK(stored.content.find("hidden") == std::string::npos);
  s = Instance::submission({}, "To: a\r\nResent-To: r\r\n\r\n");
  s.options |= sc::kExtractRecipients;
  CHECK(instance.code(std::move(s)) == "250 2.0.0");
  stored = instance.read();
  CHECK(stored.addresses() == "r@example.com ");
  CHECK(stored.content.find("\r\nResent-From: sender@example.com\r\n") != std::string::npos);
  s = Instance::submission({}, "Subject: none\r\n\r\n");
  s.options |= sc::kExtractRecipients;
  CHECK(instance.code(std::move(s)) == "550 5.1.0 no recipients specified");
  CHECK(instance.has_logged("resent-message-id="));
}

TEST_CASE("cleanup intake: copies go to always_bcc and the bcc maps", "[cleanup]") {
  Instance instance(
      "always_bcc = all@x.test\nsender_bcc_maps = inline:{sender@example.com=s@x.test}\n"
      "recipient_bcc_maps = inline:{user@example.com=r@x.test}\n");
  CHECK(instance.code(Instance::submission({"user"})) == "250 2.0.0");
  auto stored = instance.read();
  CHECK(stored.addresses() == "user@example.com(user) s@x.test r@x.test all@x.test ");
  CHECK(stored.recipients.back().notify == services::kNotifyNever);
}

TEST_CASE("cleanup checks: every action does what header_checks(5) says", "[cleanup][checks]") {
  Instance instance(
      "header_checks = pcre:{{/^Subject: reject/ REJECT 5.7.9 no such thing}, {/^Subject: plain/ REJECT}, "
      "{/^Subject: later/ REJECT 4.7.1 later}, {/^Subject: discard/ DISCARD bye}, {/^Subject: hold/ HOLD why}, "
      "{/^Subject: filter/ FILTER smtp:[f.test]}, {/^Subject: badfilter/ FILTER nothing}, "
      "{/^Subject: (redir.*)/ REDIRECT $$1@x.test}, {/^X-A:/ IGNORE}, {/^X-B:/ STRIP gone}, "
      "{/^X-C: (.*)/ REPLACE X-New: $$1}, {/^X-D:/ PREPEND X-Pre: yes}, {/^X-E:/ WARN careful}, {/^X-F:/ INFO known}, "
      "{/^X-G:/ BCC copy@x.test}, {/^X-H:/ NONSENSE}, {/^X-I:/ DUNNO}, {/^Subject: pass/ PASS}, {/^X-Folded: a\\n b$$/ "
      "IGNORE}}\n"
      "body_checks = pcre:{{/^bad line$$/ REJECT spam}, {/^drop/ IGNORE}, {/^swap/ REPLACE swapped}, {/^pre/ PREPEND "
      "before}}\n");
  auto with = [](const std::string& content) { return Instance::submission({"user"}, content); };
  CHECK(instance.code(with("Subject: reject\r\n\r\n")) == "550 5.7.9 no such thing");
  CHECK(
      instance.has_logged(": reject: header Subject: reject from client[192.0.2.9]; from=<sender@example.com> "
                          "to=<user@example.com>: 5.7.9 no such thing"));
  CHECK(instance.code(with("Subject: plain\r\n\r\n")) == "550 5.7.1 message content rejected");
  CHECK(instance.code(with("Subject: later\r\n\r\n")) == "450 4.7.1 later");
  CHECK(instance.code(with("Subject: discard\r\n\r\n")) == "250 2.0.0");
  CHECK(instance.queue_is_empty());
  CHECK(instance.code(with("Subject: hold\r\n\r\n")) == "250 2.0.0");
  CHECK(instance.read("hold").recipients.size() == 1);
  CHECK(instance.has_logged(": hold: header Subject: hold from client[192.0.2.9];"));
  CHECK(instance.code(with("Subject: filter\r\n\r\n")) == "250 2.0.0");
  CHECK(instance.read().envelope.content_filter == "smtp:[f.test]");
  CHECK(instance.code(with("Subject: badfilter\r\n\r\n")) == "250 2.0.0");
  CHECK(instance.has_logged("bad FILTER command \"nothing\" in header_checks -- need transport:destination"));
  CHECK(instance.code(with("Subject: redir1\r\n\r\n")) == "250 2.0.0");
  CHECK(instance.read().envelope.redirect == "redir1@x.test");
  CHECK(instance.code(with("X-A: 1\r\nX-B: 2\r\nX-C: 3\r\nX-D: 4\r\nX-E: 5\r\nX-F: 6\r\nX-G: 7\r\nX-H: 8\r\nX-I: 9\r\n"
                           "X-Folded: a\r\n b\r\n\r\nkeep\r\ndrop it\r\nswap it\r\npre it\r\n")) == "250 2.0.0");
  auto stored = instance.read();
  CHECK(stored.content.starts_with(
      "X-New: 3\r\nX-Pre: yes\r\nX-D: 4\r\nX-E: 5\r\nX-F: 6\r\nX-G: 7\r\nX-H: 8\r\nX-I: 9\r\nMessage-Id"));
  CHECK(stored.content.ends_with("\r\n\r\nkeep\r\nswapped\r\nbefore\r\npre it\r\n"));
  CHECK(stored.addresses() == "user@example.com(user) copy@x.test ");
  CHECK(instance.has_logged(
      ": warning: header X-E: 5 from client[192.0.2.9]; from=<sender@example.com> to=<user@example.com>: careful"));
  CHECK(instance.has_logged("unknown command in header_checks map: NONSENSE"));
  CHECK(instance.code(with("X: y\r\n\r\nfine\r\nbad line\r\n")) == "550 5.7.1 spam");
  CHECK(instance.has_logged(": reject: body bad line from client[192.0.2.9];"));
  CHECK(instance.code(with("Subject: pass\r\n\r\nbad line\r\n")) == "250 2.0.0");
}

TEST_CASE("cleanup checks: header classes have their own tables", "[cleanup][checks]") {
  Instance instance(
      "mime_header_checks = pcre:{{/name=.*\\.exe/ REJECT no programs}}\n"
      "nested_header_checks = pcre:{{/^Subject: inner/ REJECT inner}}\nheader_checks =\n");
  std::string start = "Subject: inner\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
  CHECK(instance.code(Instance::submission({"u"}, start + "Content-Type: text/plain\r\n\r\nx\r\n--b--\r\n")) ==
        "250 2.0.0");
  CHECK(instance.read().content.ends_with("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n"));
  CHECK(instance.code(Instance::submission({"u"}, start + "Content-Type: app/x; name=a.exe\r\n\r\nx\r\n--b--\r\n")) ==
        "550 5.7.1 no programs");
  CHECK(instance.code(Instance::submission(
            {"u"}, start + "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--b--\r\n")) ==
        "550 5.7.1 inner");
}

TEST_CASE("cleanup intake: a table that cannot be asked defers the message", "[cleanup]") {
  CHECK(Instance("canonical_maps = fail:x\n").code(Instance::submission({"u"})).starts_with("451 4."));
  CHECK(Instance("virtual_alias_maps = fail:x\n").code(Instance::submission({"u"})).starts_with("451 4."));
  CHECK(Instance("header_checks = fail:x\n").code(Instance::submission({"u"})).starts_with("451 4."));
  CHECK(Instance("recipient_bcc_maps = fail:x\n").code(Instance::submission({"u"})).starts_with("451 4."));
}

TEST_CASE("S29 cleanup: too many hops are refused", "[cleanup]") {
  Instance instance;
  std::string content;
  for (int i = 0; i < 50; ++i) content += "Received: from x\r\n";
  CHECK(instance.code(Instance::submission({"u"}, content + "\r\n")) == "554 5.4.6 Error: too many hops");
  CHECK(instance.queue_is_empty());
}

TEST_CASE("cleanup intake: message_size_limit holds over all blocks", "[cleanup]") {
  Instance instance("message_size_limit = 100000\n");
  auto s = Instance::submission({"u"}, "Subject: big\r\n\r\n");
  s.last_content = false;
  instance.last_id = s.envelope.queue_id;
  REQUIRE(event::run_until_done(instance.client().send(std::move(s))));
  for (int i = 0; i < 3; ++i) {
    sc::Content more;
    more.bytes = std::string(60000, 'x');
    more.last = i == 2;
    REQUIRE(event::run_until_done(instance.client().send(std::move(more))));
  }
  auto outcome = event::run_until_done(instance.client().receive<sc::Outcome>());
  REQUIRE(outcome);
  CHECK(outcome->smtp_code == 552);
  CHECK(outcome->verdict == sc::Verdict::rejected);
  CHECK(instance.queue_is_empty());
}

TEST_CASE("cleanup intake: recipients and content in many packets", "[cleanup]") {
  Instance instance;
  auto s = Instance::submission({"first"}, "Subject: big\r\n\r\n");
  s.last_content = s.last_recipients = false;
  instance.last_id = s.envelope.queue_id;
  REQUIRE(event::run_until_done(instance.client().send(std::move(s))));
  for (int i = 0; i < 2; ++i) {
    sc::MoreRecipients more;
    more.recipients.push_back({"r" + std::to_string(i), {}, {}, 0});
    more.last = i == 1;
    REQUIRE(event::run_until_done(instance.client().send(std::move(more))));
  }
  std::string body;
  for (int i = 0; i < 4; ++i) {
    sc::Content more;
    more.bytes = std::string(50000, static_cast<char>('a' + i)) + "\r\n";
    body += more.bytes;
    more.last = i == 3;
    REQUIRE(event::run_until_done(instance.client().send(std::move(more))));
  }
  auto outcome = event::run_until_done(instance.client().receive<sc::Outcome>());
  REQUIRE(outcome);
  CHECK(outcome->smtp_code == 250);
  auto stored = instance.read();
  CHECK(stored.recipients.size() == 3);
  CHECK(stored.content.ends_with("\r\n\r\n" + body));
}

TEST_CASE("cleanup intake: a client that goes away in the middle leaves nothing", "[cleanup]") {
  std::string dir;
  {
    Instance instance;
    auto s = Instance::submission({"u"});
    s.last_content = false;
    REQUIRE(event::run_until_done(instance.client().send(std::move(s))));
    event::Loop::current().run_once();
    dir = instance.dir_;
  }
  CHECK_FALSE(std::filesystem::exists(dir));
}

TEST_CASE("cleanup intake: a whole message of a client that cannot be told is not taken: it will come again",
          "[cleanup]") {
  Instance instance;
  REQUIRE(event::run_until_done(instance.client().send(Instance::submission({"u"}))));
  instance.end_client();
  for (int i = 0; i < 500 && !instance.has_logged("message-id="); ++i) event::Loop::current().run_once();
  CHECK(instance.has_logged("message-id="));
  CHECK(instance.queue_is_empty());
}

TEST_CASE("cleanup intake: bad queue ids and taken ones are temporary errors", "[cleanup]") {
  Instance instance;
  auto s = Instance::submission({"u"});
  s.envelope.queue_id = "../../etc/x";
  CHECK(instance.code(std::move(s)).starts_with("451 4.3.0"));
  s = Instance::submission({"u"});
  auto again = s;
  CHECK(instance.code(std::move(s)) == "250 2.0.0");
  CHECK(instance.code(std::move(again)).starts_with("451 4.3.0"));
  CHECK(instance.read().recipients.size() == 1);
}

TEST_CASE("cleanup bindings: every name is a parameter, fits its member and is marked as used", "[cleanup]") {
  CHECK(config::check_bindings(cleanup::kBindings).empty());
}

TEST_CASE("cleanup: below queue_minfree mail is 452 4.3.1 and leaves no file, a notice still passes",
          "[cleanup][space]") {
  Instance full("queue_minfree = 4000000000000000000\n");
  sc::Outcome refused = full.post(Instance::submission({"a@example.com"}));
  CHECK(refused.verdict == sc::Verdict::deferred);
  CHECK(refused.smtp_code == 452);
  CHECK(refused.dsn == "4.3.1");
  CHECK(full.queue_is_empty());
  sc::Submission notice = Instance::submission({"a@example.com"});
  notice.options |= sc::kBounce;
  CHECK(full.post(std::move(notice)).verdict == sc::Verdict::accepted);
}

TEST_CASE("cleanup: in_flow_delay makes mail rest while the queue manager is behind, and only then",
          "[cleanup][flow]") {
  Instance slow("in_flow_delay = 1s\ndefault_process_limit = 3\n");
  auto seconds_for = [&](sc::Submission s) {
    TimePoint begin = monotonic_now();
    CHECK(slow.post(std::move(s)).verdict == sc::Verdict::accepted);
    return std::chrono::duration<double>(monotonic_now() - begin).count();
  };
  auto mail = [] { return Instance::submission({"a@example.com"}); };
  for (int i = 0; i < 4; ++i) CHECK(seconds_for(mail()) < 0.9);
  CHECK(seconds_for(mail()) >= 0.95);  // four lie there, three may
  sc::Submission notice = mail();
  notice.options |= sc::kBounce;
  CHECK(seconds_for(std::move(notice)) < 0.9);
  for (const auto& entry : std::filesystem::directory_iterator(slow.dir_ + "/incoming")) {
    std::filesystem::remove(entry.path());
  }
  CHECK(seconds_for(mail()) < 0.9);
}

TEST_CASE("cleanup: in_flow_delay = 0 never makes mail rest", "[cleanup][flow]") {
  Instance fast("in_flow_delay = 0\ndefault_process_limit = 1\n");
  TimePoint begin = monotonic_now();
  for (int i = 0; i < 5; ++i) CHECK(fast.code(Instance::submission({"a@example.com"})) == "250 2.0.0");
  CHECK(monotonic_now() - begin < std::chrono::milliseconds(900));
}
