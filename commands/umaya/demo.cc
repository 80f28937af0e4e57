// demo: the whole suite in one new directory, and two messages on their way through it.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "commands/umaya/commands.h"
#include "commands/umaya/demo_log.h"
#include "commands/umaya/line_client.h"
#include "libcommon/base/fd.h"
#include "libcommon/daemon/instance.h"
#include "libcommon/dns/mail_route.h"
#include "libcommon/log/log.h"

namespace umaya::commands {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view kDomain = "c5.exp.info.kochi-tech.ac.jp";
constexpr std::string_view kUsers[] = {"k.mizo", "s.shio", "k.kikk", "k.fuku"};
constexpr std::string_view kPassword = "umaya";
constexpr Duration kDeliveryLimit = 30s;

/// The running demonstration; ends what it started when it goes.
class Demo {
 public:
  Result<void> prepare();
  Result<void> start();
  Result<void> look_names_up();
  Result<void> send_by_smtp();
  Result<void> send_by_sendmail();
  Result<void> follow(int deliveries);
  Result<void> show_mailboxes();
  Result<void> fetch_by_pop3();
  void print_hints() const;
  ~Demo();

 private:
  Result<void> write(std::string_view name, std::string_view text) const;
  Result<pid_t> run(const std::string& program, std::vector<std::string> arguments, std::string_view input = {}) const;
  Result<void> run_and_wait(const std::string& program, std::vector<std::string> arguments,
                            std::string_view input = {}) const;
  std::string command(std::string_view name) const {
    return config_->get("command_directory") + "/" + std::string(name);
  }

  std::string directory_;
  std::optional<config::Config> config_;
  std::optional<DemoLog> log_;
  uint16_t smtp_port_ = 0, pop3_port_ = 0, dns_port_ = 0;
  pid_t name_server_ = 0;
  bool started_ = false;
};

std::string zone_text() {
  return "$TTL 100\n"
         "@       IN SOA  server.c5.exp.info.kochi-tech.ac.jp. root.server.c5.exp.info.kochi-tech.ac.jp. (\n"
         "                2026112201 ; serial\n"
         "                3600 900 604800 100 )\n"
         "        IN NS   server\n"
         "        IN MX   10 server\n"
         "server  IN A    127.0.0.1\n"
         "www     IN CNAME server\n"
         "smtp    IN CNAME server\n"
         "pop     IN CNAME server\n";
}

Result<void> Demo::write(std::string_view name, std::string_view text) const {
  std::ofstream out(directory_ + "/" + std::string(name));
  out << text;
  out.close();
  if (!out) return sys_error("write " + directory_ + "/" + std::string(name));
  return {};
}

Result<void> Demo::prepare() {
  char pattern[] = "/tmp/umaya-demo-XXXXXX";
  if (!mkdtemp(pattern) || chmod(pattern, 0755) != 0) return sys_error("make a directory in /tmp");
  directory_ = pattern;
  smtp_port_ = free_port();
  pop3_port_ = free_port();
  dns_port_ = free_port();
  InstancePlan plan{.directory = directory_,
                    .domain = std::string(kDomain),
                    .users = {std::begin(kUsers), std::end(kUsers)},
                    .smtp_port = smtp_port_,
                    .pop3_port = pop3_port_,
                    .main_cf = "resolv_conf_file = " + directory_ + "/resolv.conf\n" +
                               "auth_passwd_file = " + directory_ + "/users\n"};
  UMAYA_CHECK(make_instance(plan));
  std::string logins;
  for (std::string_view user : kUsers) logins += std::string(user) + ":{PLAIN}" + std::string(kPassword) + "\n";
  UMAYA_CHECK(write("users", logins));
  UMAYA_CHECK(write("aliases", "postmaster: k.mizo\nlist: k.mizo, s.shio, k.kikk, k.fuku\n"));
  UMAYA_CHECK(write("resolv.conf", "nameserver [127.0.0.1]:" + std::to_string(dns_port_) + "\n"));
  UMAYA_CHECK(write("c5.zone", zone_text()));
  UMAYA_CHECK(write("named.conf", "options {\n  directory \"" + directory_ + "\";\n  listen-on port " +
                                      std::to_string(dns_port_) + " { 127.0.0.1; };\n  recursion no;\n};\nzone \"" +
                                      std::string(kDomain) + "\" {\n  type primary;\n  file \"c5.zone\";\n};\n"));
  UMAYA_TRY(config_, config::Config::load(directory_));
  return build_aliases(*config_);
}

Result<pid_t> Demo::run(const std::string& program, std::vector<std::string> arguments, std::string_view input) const {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return sys_error("pipe");
  Fd read_end(ends[0]), write_end(ends[1]);
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork");
  if (pid == 0) {
    dup2(read_end.get(), 0);
    setenv("MAIL_CONFIG", directory_.c_str(), 1);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv(program.c_str(), argv.data());
    std::fprintf(stderr, "umaya: %s: %s\n", program.c_str(), strerror(errno));
    _exit(127);
  }
  if (!input.empty() && ::write(write_end.get(), input.data(), input.size()) < 0)
    return sys_error("write to " + program);
  return pid;
}

Result<void> Demo::run_and_wait(const std::string& program, std::vector<std::string> arguments,
                                std::string_view input) const {
  UMAYA_TRY(pid_t pid, run(program, std::move(arguments), input));
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return temporary(program + " failed");
  return {};
}

Result<void> Demo::start() {
  std::printf("instance %s\n\n-- named-lite answers for %s on port %u\n", directory_.c_str(),
              std::string(kDomain).c_str(), dns_port_);
  UMAYA_TRY(name_server_, run(config_->get("daemon_directory") + "/named-lite",
                              {"named-lite", "-f", "-c", directory_ + "/named.conf"}));
  std::printf("-- umaya start: smtp on port %u, pop3 on port %u\n", smtp_port_, pop3_port_);
  UMAYA_CHECK(run_and_wait(command("umaya"), {"umaya", "-c", directory_, "start"}));
  started_ = true;
  log_.emplace(directory_ + "/mail.log", monotonic_now());
  return {};
}

Result<void> Demo::look_names_up() {
  std::printf("\n-- where does mail for %s go?\n", std::string(kDomain).c_str());
  UMAYA_TRY(auto resolver, dns::StubResolver::open({.resolv_conf = directory_ + "/resolv.conf"}));
  dns::MailRoute route;
  for (int tries = 0; tries < 50; ++tries) {
    route = event::run_until_done(dns::mail_route(*resolver, std::string(kDomain), {}));
    if (route) break;
    std::this_thread::sleep_for(50ms);
  }
  UMAYA_CHECK(route);
  for (const dns::MailHost& host : route->hosts) {
    std::printf("    MX %u %s, address %s\n", host.preference, host.name.c_str(), host.address.to_string().c_str());
  }
  return {};
}

Result<void> Demo::send_by_smtp() {
  std::string list = "list@" + std::string(kDomain), sender = "k.mizo@" + std::string(kDomain);
  std::printf("\n-- a message to %s by SMTP\n", list.c_str());
  UMAYA_TRY(LineClient smtp, LineClient::connect("smtp", smtp_port_));
  UMAYA_CHECK(smtp.expect("220"));
  UMAYA_CHECK(smtp.say("EHLO client.c5.exp.info.kochi-tech.ac.jp", "250"));
  UMAYA_CHECK(smtp.say("MAIL FROM:<" + sender + ">", "250"));
  UMAYA_CHECK(smtp.say("RCPT TO:<" + list + ">", "250"));
  UMAYA_CHECK(smtp.say("DATA", "354"));
  UMAYA_CHECK(
      smtp.say("From: " + sender + "\r\nTo: " + list + "\r\nSubject: by SMTP\r\n\r\nFirst message.\r\n.", "250"));
  UMAYA_CHECK(smtp.say("QUIT", "221"));
  return {};
}

Result<void> Demo::send_by_sendmail() {
  std::printf("\n-- a message to list by sendmail\n    $ sendmail -f s.shio list\n");
  return run_and_wait(command("sendmail"), {"sendmail", "-f", "s.shio", "list"},
                      "Subject: by sendmail\n\nSecond message.\n");
}

Result<void> Demo::follow(int deliveries) {
  std::printf("\n-- its way, from the log\n");
  TimePoint until = monotonic_now() + kDeliveryLimit;
  for (int seen = 0; seen < deliveries;) {
    if (monotonic_now() > until)
      return temporary("the message did not reach every mailbox; see " + directory_ + "/mail.log");
    seen += log_->print_new_lines();
    std::this_thread::sleep_for(10ms);
  }
  std::this_thread::sleep_for(50ms);
  log_->print_new_lines();
  return {};
}

Result<void> Demo::show_mailboxes() {
  std::printf("\n-- the mailboxes\n");
  for (std::string_view user : kUsers) {
    std::filesystem::path fresh = directory_ + "/home/" + std::string(user) + "/Maildir/new";
    int messages = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(fresh, error)) {
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line) && !line.empty();) {
        if (!line.starts_with("Subject: ")) continue;
        std::printf("    %-7s %s  (%ju bytes)\n", std::string(user).c_str(), line.c_str(), entry.file_size());
        ++messages;
      }
    }
    if (messages != 2) return temporary(std::string(user) + " has " + std::to_string(messages) + " messages, not 2");
  }
  return {};
}

Result<void> Demo::fetch_by_pop3() {
  std::printf("\n-- k.mizo's mail program, by POP3\n");
  UMAYA_TRY(LineClient pop3, LineClient::connect("pop3", pop3_port_));
  UMAYA_CHECK(pop3.expect("+OK"));
  UMAYA_CHECK(pop3.say("USER k.mizo", "+OK"));
  UMAYA_CHECK(pop3.say("PASS " + std::string(kPassword), "+OK"));
  UMAYA_CHECK(pop3.say("STAT", "+OK 2 "));
  UMAYA_CHECK(pop3.say("RETR 1", "+OK"));
  UMAYA_CHECK(pop3.read_to_dot());
  UMAYA_CHECK(pop3.say("QUIT", "+OK"));
  return {};
}

void Demo::print_hints() const {
  std::printf(
      "\n-- to play with (the password of every user is \"%s\")\n"
      "    export MAIL_CONFIG=%s\n"
      "    telnet 127.0.0.1 %u                          SMTP by hand\n"
      "    telnet 127.0.0.1 %u                          POP3 by hand\n"
      "    dig @127.0.0.1 -p %u %s MX\n"
      "    echo hello | %s list\n"
      "    %s -p        the queue\n"
      "    %s -n        the settings\n"
      "    tail -f %s/mail.log\n",
      std::string(kPassword).c_str(), directory_.c_str(), smtp_port_, pop3_port_, dns_port_,
      std::string(kDomain).c_str(), command("sendmail").c_str(), command("postqueue").c_str(),
      command("postconf").c_str(), directory_.c_str());
  std::fflush(stdout);
}

Demo::~Demo() {
  std::fflush(stdout);
  if (started_) (void)run_and_wait(command("umaya"), {"umaya", "-c", directory_, "stop"});
  if (name_server_ > 0) {
    kill(name_server_, SIGTERM);
    waitpid(name_server_, nullptr, 0);
  }
  if (!directory_.empty()) {
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
  }
}

Result<void> tell_story(Demo& demo) {
  UMAYA_CHECK(demo.prepare());
  UMAYA_CHECK(demo.start());
  UMAYA_CHECK(demo.look_names_up());
  UMAYA_CHECK(demo.send_by_smtp());
  UMAYA_CHECK(demo.follow(4));
  UMAYA_CHECK(demo.send_by_sendmail());
  UMAYA_CHECK(demo.follow(4));
  UMAYA_CHECK(demo.show_mailboxes());
  UMAYA_CHECK(demo.fetch_by_pop3());
  return {};
}

/// Waits for Ctrl-C or the end of the terminal.
void wait_for_interrupt() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  std::printf("\nrunning; Ctrl-C ends it\n");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&set, &signal);
}

}  // namespace

int demo(const Invocation&, const std::vector<std::string>&) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  Demo demo;
  if (auto told = tell_story(demo); !told) {
    std::fprintf(stderr, "umaya: demo: %s\n", told.error().what.c_str());
    return 1;
  }
  if (isatty(STDIN_FILENO)) {
    demo.print_hints();
    wait_for_interrupt();
  }
  return 0;
}

}  // namespace umaya::commands
