// NAME    session_bench - an smtpd session on a socketpair, with a cleanup, an address policy and a resolver of its own
//
// DESCRIPTION
//     Bench runs a whole Session against bytes; the cleanup at the other end of a real socket records what arrives.
//     Local domain example.test with alice, bob and postmaster; virtual.test is a virtual alias domain with info;
//     relay.test a relay domain; box.test one of virtual mailboxes; our address is 192.0.2.25.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "smtpd/policy_service.h"
#include "smtpd/session.h"
#include "tests/support/fake_resolver.h"

namespace umaya::smtpd {

/// The route library's answers, from a few lists.
class FakeAddresses : public AddressPolicy {
 public:
  Target resolve(std::string_view, std::string_view address) override {
    auto [local, domain, qualified] = message::split_address(address);
    Target t;
    t.address = address;
    std::string canonical = qualified ? message::canonical_domain(domain).value_or("?") : "example.test";
    t.routed = message::has_route_characters(local);
    if (canonical == "fails.test") t.failure = Error{ErrorKind::temporary, 0, "table is gone", {}};
    if (canonical == "example.test" || canonical == "localhost" || canonical == "mx.example.test" ||
        canonical == "[192.0.2.25]") {
      t.domain_class = DomainClass::local;
      t.transport = "local";
    }
    if (canonical == "virtual.test") t.domain_class = DomainClass::virtual_alias;
    if (canonical == "relay.test") t.domain_class = DomainClass::relay;
    if (canonical == "box.test") t.domain_class = DomainClass::virtual_mailbox;
    if (local == "moved") {
      t.transport = "error";
      t.nexthop = "5.1.6 User has moved to new@x.org";
    }
    return t;
  }
  Listing recipient_listed(std::string_view, std::string_view address) override {
    auto [local, domain, qualified] = message::split_address(address);
    if (domain == "relay.test") return {};
    std::string user = to_lower(local);
    bool known = domain == "virtual.test" ? user == "info" : users.contains(user);
    if (known) return {};
    return {Listed::no,
            domain == "virtual.test" ? "User unknown in virtual alias table" : "User unknown in local recipient table",
            "5.1.1"};
  }
  void refresh() override {}
  std::set<std::string> users{"alice", "bob", "postmaster"};
};

/// How full mailboxes are.
class FakeRoom : public RoomPolicy {
 public:
  event::Task<RoomAnswer> ask(RoomQuestion question) override {
    asked.push_back(question);
    auto known = answers.find(question.recipient);
    co_return known == answers.end() ? RoomAnswer() : known->second;
  }
  std::map<std::string, RoomAnswer> answers;
  std::vector<RoomQuestion> asked;
};

/// What cleanup was given.
struct Received {
  services::Envelope envelope;
  std::vector<services::Recipient> recipients;
  std::string content;
  uint32_t options = 0;
  services::cleanup::Submission submission;
  size_t packets = 0;
};

/// A cleanup on a Unix socket that keeps complete messages in memory.
class FakeCleanup {
 public:
  FakeCleanup() {
    char pattern[] = "/tmp/umaya-smtpd-test-XXXXXX";
    directory_ = mkdtemp(pattern);
    path_ = directory_ + "/cleanup";
    auto fd = event::listen_unix(path_, SOCK_SEQPACKET, 0600);
    listener_ = std::make_unique<event::Listener>(
        std::move(*fd), [this](Fd peer, const event::PeerAddress&) { scope_.spawn(serve(this, std::move(peer))); });
  }
  ~FakeCleanup() {
    listener_.reset();
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }
  const std::string& path() const { return path_; }
  const std::string& directory() const { return directory_; }
  std::vector<Received> messages;  ///< complete ones
  services::cleanup::Outcome outcome{services::cleanup::Verdict::accepted, 250, "2.0.0", {}};
  bool silent_early_refusal = false;  ///< answer in the middle of the content

 private:
  static event::Task<void> serve(FakeCleanup* self, Fd fd) {
    namespace cleanup = services::cleanup;
    ipc::Channel channel(std::move(fd));
    while (true) {
      Result<cleanup::Submission> s = co_await channel.receive<cleanup::Submission>();
      if (!s) co_return;
      Received r{s->envelope, s->recipients, s->content, s->options, *s, 1};
      bool more = !s->last_recipients;
      while (more) {
        Result<cleanup::MoreRecipients> packet = co_await channel.receive<cleanup::MoreRecipients>();
        if (!packet) co_return;
        ++r.packets;
        r.recipients.insert(r.recipients.end(), packet->recipients.begin(), packet->recipients.end());
        more = !packet->last;
      }
      more = !s->last_content;
      while (more) {
        Result<cleanup::Content> packet = co_await channel.receive<cleanup::Content>();
        if (!packet) co_return;
        ++r.packets;
        r.content += packet->bytes;
        more = !packet->last;
        if (self->silent_early_refusal) break;
      }
      if (self->outcome.verdict == cleanup::Verdict::accepted) self->messages.push_back(std::move(r));
      Result<void> sent = co_await channel.send(self->outcome);
      if (!sent || self->silent_early_refusal) co_return;
    }
  }
  std::string directory_, path_;
  std::unique_ptr<event::Listener> listener_;
  event::TaskScope scope_;
};

/// Everything that a session needs, and the far end of its socket.
class Bench {
 public:
  explicit Bench(std::vector<std::string> settings = {}) : config_(load(settings)) {
    log::capture([this](log::Level, std::string_view line) { log.emplace_back(line); });
    auto bound = config::bind(config_, kBindings, params);
    if (!bound) throw std::runtime_error(bound.error().what);
    CompilerOptions compiler;
    compiler.open_maps = [this](const std::string& name) {
      return std::make_shared<table::Maps>(table::Maps::open(options_, name, name));
    };
    compiler.open_policy = [this](std::string_view argument) {
      PolicySettings policy_settings;
      policy_settings.retry_delay = std::chrono::milliseconds(1);
      return PolicyService::parse(argument, policy_settings, cleanup.directory());
    };
    compiler.class_list = [this](std::string_view name) -> std::optional<std::string> {
      for (const std::string& known : params.restriction_classes) {
        if (known == name) return config_.get(name);
      }
      return {};
    };
    if (!params.sender_login_maps.empty()) {
      sender_logins_ = table::Maps::open(options_, "smtpd_sender_login_maps", params.sender_login_maps);
    }
    policy = std::make_unique<Policy>(Policy::Parts{.params = params,
                                                    .addresses = addresses,
                                                    .resolver = resolver,
                                                    .access_style = table::ParentStyle::bare,
                                                    .address_rules = {},
                                                    .compiler = compiler,
                                                    .sender_logins = &sender_logins_,
                                                    .recent_logins = params.pop_before_smtp ? &recent_logins : nullptr,
                                                    .room = &room});
    auto list = [&](const char* title, const std::string& text, table::MatchKind kind) {
      return table::MatchList::parse(options_, title, text, kind);
    };
    shared.reset(new Shared{
        .params = params,
        .policy = *policy,
        .cleanup = pool_,
        .flush = flush_pool_,
        .counts = counts_,
        .forbidden_commands = list("smtpd_forbidden_commands", params.forbidden_commands, table::MatchKind::exact),
        .bare_newline_exempt =
            list("smtpd_forbid_bare_newline_exclusions", params.bare_newline_exclusions, table::MatchKind::client),
        .submission_options = services::cleanup::kMapAddresses});
    LoginSettings login_settings;
    if (auto read = config::bind(config_, kLoginBindings, login_settings); !read) {
      throw std::runtime_error(read.error().what);
    }
    if (login_settings.enable) {
      auto server = LoginServer::create(login_settings, cleanup.directory(), options_, table::ParentStyle::bare);
      if (!server) throw std::runtime_error(server.error().what);
      logins = std::move(*server);
      shared->logins = logins.get();
    }
    shared->at_ease = *patience_under(config_, Stress::no);
    shared->under_stress = *patience_under(config_, Stress::yes);
    client.address = *net::IpAddress::parse("198.51.100.7");
    client.address_text = client.rfc_address = "198.51.100.7";
    client.port = 40000;
    client.label = "unknown[198.51.100.7]";
    client.limits_exempt = true;
  }
  ~Bench() { log::capture(nullptr); }

  /// A new session; its greeting is read with take().
  void connect(Mode mode = Mode::network) {
    disconnect();
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) abort();
    peer_.reset(ends[0]);
    scope_ = std::make_unique<event::TaskScope>();
    ended = false;
    scope_->spawn(run(this, Fd(ends[1]), mode));
  }
  /// The client is gone.
  void disconnect() {
    peer_.reset();
    // What the session still does with messages that came whole takes rounds in which nothing is replied.
    for (int rounds = 0; rounds < 1000 && !ended; ++rounds) event::Loop::current().run_once();
    settle();
    scope_.reset();
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
      if (n < 0 && errno != EAGAIN) return;
      settle();
    }
  }
  /// What the session has replied since the last call, after it has done all it can.
  std::string take() {
    settle();
    return std::exchange(output_, {});
  }
  std::string say(std::string_view bytes) {
    send(bytes);
    return take();
  }
  /// EHLO, and MAIL when a sender is given.
  void open(std::string_view sender = {}) {
    connect();
    take();
    say("EHLO client.example.org\r\n");
    if (!sender.empty()) say("MAIL FROM:<" + std::string(sender) + ">\r\n");
  }
  const config::Config& config() const { return config_; }
  bool logged(std::string_view text) const {
    for (const std::string& line : log) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }

  Params params;
  FakeAddresses addresses;
  FakeRoom room;
  dns::FakeResolver resolver;
  FakeCleanup cleanup;
  Client client;
  services::RecentLogins recent_logins{cleanup.directory() + "/anvil"};
  std::unique_ptr<LoginServer> logins;  ///< smtpd_sasl_auth_enable; its socket is beneath cleanup.directory()
  std::unique_ptr<Policy> policy;
  std::unique_ptr<Shared> shared;
  std::vector<std::string> log;
  Session* session = nullptr;  ///< while one runs
  bool ended = true;

 private:
  static config::Config load(std::vector<std::string>& settings) {
    std::string text =
        "myhostname = mx.example.test\nmydestination = example.test\nmynetworks = 127.0.0.0/8\n"
        "smtpd_peername_lookup = no\nsmtpd_error_sleep_time = 0s\nmail_name = Umaya\n";
    for (const std::string& line : settings) text += line + "\n";
    auto config = config::Config::from_text(text);
    if (!config) throw std::runtime_error(config.error().what);
    return std::move(*config);
  }
  static event::Task<void> run(Bench* bench, Fd fd, Mode mode) {
    event::Stream stream(std::move(fd));
    Session session(*bench->shared, stream, bench->client, mode);
    bench->session = &session;
    co_await session.run();
    bench->session = nullptr;
    bench->ended = true;
  }
  void settle() {
    for (int quiet = 0; quiet < 3;) {
      event::Loop::current().run_once();
      char block[65536];
      ssize_t n = peer_ ? ::recv(peer_.get(), block, sizeof block, 0) : -1;
      if (n > 0) {
        output_.append(block, static_cast<size_t>(n));
        quiet = 0;
      } else {
        ++quiet;
      }
    }
  }

  config::Config config_;
  table::Options options_;
  table::Maps sender_logins_;
  ipc::ChannelPool pool_{cleanup.path(), 4};
  ipc::ChannelPool flush_pool_{"/nonexistent/flush", 1};
  ClientCounts counts_{"/nonexistent/anvil", "smtp"};
  Fd peer_;
  std::string output_;
  std::unique_ptr<event::TaskScope> scope_;
};

}  // namespace umaya::smtpd
