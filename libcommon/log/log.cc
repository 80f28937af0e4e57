#include "libcommon/log/log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "libcommon/base/clock.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/divert.h"

namespace umaya::log {

namespace {

struct State {
  Options options;
  Fd file;
  std::string pending;
  std::string host;
  size_t dropped = 0;
  std::function<void(Level, std::string_view)> capture;
  std::function<bool(Level, std::string_view)> diversion;
  bool diverting = false;
};

State& state() {
  static State instance;
  return instance;
}

constexpr size_t kPendingLimit = 64 * 1024;
constexpr size_t kLineLimit = 4096;

std::string_view severity(Level level) {
  switch (level) {
    case Level::warning:
      return "warning: ";
    case Level::error:
      return "error: ";
    case Level::fatal:
      return "fatal: ";
    case Level::panic:
      return "panic: ";
    default:
      return "";
  }
}

int syslog_priority(Level level) {
  switch (level) {
    case Level::debug:
      return LOG_DEBUG;
    case Level::info:
      return LOG_INFO;
    case Level::warning:
      return LOG_WARNING;
    case Level::error:
      return LOG_ERR;
    default:
      return LOG_CRIT;
  }
}

int syslog_facility(std::string_view name) {
  static constexpr std::pair<std::string_view, int> kFacilities[] = {
      {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},     {"daemon", LOG_DAEMON},
      {"ftp", LOG_FTP},       {"kern", LOG_KERN},         {"lpr", LOG_LPR},       {"news", LOG_NEWS},
      {"syslog", LOG_SYSLOG}, {"user", LOG_USER},         {"uucp", LOG_UUCP},     {"local0", LOG_LOCAL0},
      {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},     {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
      {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},     {"local7", LOG_LOCAL7}};
  for (auto& [known, value] : kFacilities) {
    if (known == name) return value;
  }
  return LOG_MAIL;
}

void open_file(State& s) {
  s.file.reset(::open(s.options.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640));
}

void write_stderr(std::string_view line) {
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) ++state().dropped;
}

}  // namespace

void open(Options options) {
  flush();
  State& s = state();
  s.options = std::move(options);
  s.file.reset();
  if (s.host.empty()) {
    char host[256] = "localhost";
    gethostname(host, sizeof host - 1);
    s.host = std::string(std::string_view(host).substr(0, std::string_view(host).find('.')));
  }
  if (s.options.file == "-") return;
  if (!s.options.file.empty()) {
    open_file(s);
  } else {
    openlog(s.options.tag.c_str(), LOG_PID | LOG_NDELAY, syslog_facility(s.options.facility));
  }
}

void reopen() {
  flush();
  State& s = state();
  if (!s.options.file.empty() && s.options.file != "-") open_file(s);
}

void set_tag(std::string tag) {
  State& s = state();
  s.options.tag = std::move(tag);
  if (s.options.file.empty()) openlog(s.options.tag.c_str(), LOG_PID | LOG_NDELAY, syslog_facility(s.options.facility));
}

int verbosity() {
  return state().options.verbose;
}

void flush() {
  State& s = state();
  if (s.pending.empty()) return;
  if (s.file && ::write(s.file.get(), s.pending.data(), s.pending.size()) < 0) ++s.dropped;
  s.pending.clear();
}

void write(Level level, std::string_view text) {
  State& s = state();
  std::string clean = printable(text.substr(0, kLineLimit), true);
  if (s.capture) return s.capture(level, clean);
  if (s.diversion && !s.diverting) {
    s.diverting = true;
    bool taken = s.diversion(level, clean);
    s.diverting = false;
    if (taken) return;
  }
  if (s.options.also_stderr) {
    std::string_view name = s.options.tag;
    name.remove_prefix(name.rfind('/') + 1);
    write_stderr(fmt::format("{}: {}{}\n", name, severity(level), clean));
  }
  if (s.options.file.empty()) {
    syslog(syslog_priority(level), "%.*s%s", static_cast<int>(severity(level).size()), severity(level).data(),
           clean.c_str());
    return;
  }
  std::string line = fmt::format("{} {} {}[{}]: {}{}\n", syslog_time(wall_seconds()), s.host, s.options.tag, getpid(),
                                 severity(level), clean);
  if (s.options.file == "-") {
    if (!s.options.also_stderr) write_stderr(line);
    return;
  }
  s.pending += line;
  if (level >= Level::warning || s.pending.size() > kPendingLimit) flush();
}

void capture(std::function<void(Level, std::string_view)> sink) {
  state().capture = std::move(sink);
}

void divert(std::function<bool(Level, std::string_view)> sink) {
  state().diversion = std::move(sink);
}

void set_verbosity(int verbose) {
  state().options.verbose = verbose;
}

}  // namespace umaya::log
