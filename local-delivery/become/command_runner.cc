#include "local-delivery/become/command_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/strings.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/mailbox/content.h"

namespace umaya::local_delivery {

using mailbox::TextConverter;
using services::become::End;
using services::become::Ended;
using services::become::Run;

namespace {

constexpr size_t kBlock = 64 * 1024;

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// The paths to try for argv[0].
std::vector<std::string> candidates(const Run& run) {
  const std::string& name = run.argv[0];
  if (name.find('/') != name.npos) return {name};
  std::string path = "/usr/bin:/bin";
  for (const std::string& variable : run.environment) {
    if (variable.starts_with("PATH=")) path = variable.substr(5);
  }
  std::vector<std::string> out;
  for (std::string_view directory : split(path, ":")) out.push_back(std::string(directory) + "/" + name);
  return out;
}

struct Pipe {
  Fd reader;
  Fd writer;
  bool open() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) < 0) return false;
    reader.reset(fds[0]);
    writer.reset(fds[1]);
    return true;
  }
};

struct Prepared {
  std::vector<std::string> paths;
  std::vector<char*> argv;
  std::vector<char*> environment;
  const char* directory;
  const char* shell_command;
};

// The child's side, between fork and exec: only calls that are safe there. Tells errno over the status pipe.
[[noreturn]] void become_program(const Prepared& program, int in, int out, int status) {
  ::setsid();
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  // The C library keeps 32 and 33 for itself and refuses to touch them; ignored ones would be handed on all the same.
  const unsigned long by_default[4] = {};  // the kernel's struct sigaction: handler, flags, restorer, mask
  for (int number = 32; number < 34; ++number) ::syscall(SYS_rt_sigaction, number, by_default, nullptr, 8);
  int err = 0;
  if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0) err = errno;
  int kept = err == 0 ? ::fcntl(status, F_DUPFD_CLOEXEC, 3) : -1;
  if (kept < 0) ::_exit(127);
  if (kept > 3) kept = ::dup3(kept, 3, O_CLOEXEC) == 3 ? 3 : kept;
  ::syscall(SYS_close_range, 4, ~0u, 0);
  daemon::restore_file_limit();
  if (*program.directory && ::chdir(program.directory) < 0) err = errno;
  for (size_t i = 0; err == 0 && i < program.paths.size(); ++i) {
    ::execve(program.paths[i].c_str(), program.argv.data(), program.environment.data());
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) err = errno;
  }
  if (err == 0) err = errno;
  if (err == ENOENT && *program.shell_command && !strchr(program.argv[0], '/')) {
    const char* shell[] = {"sh", "-c", program.shell_command, nullptr};
    ::execve("/bin/sh", const_cast<char**>(shell), program.environment.data());
  }
  if (::write(kept, &err, sizeof err) < 0) ::_exit(126);
  ::_exit(127);
}

class CommandRun {
 public:
  CommandRun(const Run& run, int message) : run_(run), message_(message), converter_(options(run)) {}
  ~CommandRun() {
    if (pid_ > 0) stop();
  }
  Ended run();

 private:
  static mailbox::TextOptions options(const Run& run) { return {run.eol, run.quote_from, run.quote_dot}; }
  Ended failed(std::string why) { return {run_.id, End::not_started, 0, std::move(why)}; }
  std::string start();
  bool refill();
  void feed();
  void drain();
  void step(int wait_msec);
  bool reaped();
  void stop();
  Ended ended() const;

  const Run& run_;
  int message_;
  TextConverter converter_;
  pid_t pid_ = -1;
  Fd pidfd_;
  Fd in_;
  Fd out_;
  std::string pending_;
  size_t sent_ = 0;
  uint64_t read_ = 0;
  bool finished_ = false;
  std::string output_;
  int status_ = 0;
  std::string source_error_;
};

// Empty when the program runs, otherwise why not.
std::string CommandRun::start() {
  if (run_.argv.empty() || run_.argv[0].empty()) return "no program is named";
  Pipe in, out, status;
  if (!in.open() || !out.open() || !status.open()) return std::string("pipe: ") + strerror(errno);
  Prepared program{candidates(run_), pointers(run_.argv), pointers(run_.environment), run_.directory.c_str(),
                   run_.shell_command.c_str()};
  pid_ = ::fork();
  if (pid_ < 0) return std::string("fork: ") + strerror(errno);
  if (pid_ == 0) become_program(program, in.reader.get(), out.writer.get(), status.writer.get());
  status.writer.reset();
  int err = 0;
  ssize_t n;
  while ((n = ::read(status.reader.get(), &err, sizeof err)) < 0 && errno == EINTR) {
  }
  if (n == sizeof err) return run_.argv[0] + ": " + strerror(err);
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  in_ = std::move(in.writer);
  out_ = std::move(out.reader);
  ::fcntl(in_.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);
  pending_ = run_.head;
  return "";
}

// Converts the next block of the message; false when all of it has been taken.
bool CommandRun::refill() {
  pending_.clear();
  sent_ = 0;
  while (pending_.empty() && read_ < run_.content_size) {
    std::string block(std::min<uint64_t>(kBlock, run_.content_size - read_), '\0');
    ssize_t n = ::pread(message_, block.data(), block.size(), static_cast<off_t>(run_.content_offset + read_));
    if (n <= 0) {
      source_error_ = n < 0 ? strerror(errno) : "the message file is shorter than its head says";
      return false;
    }
    read_ += static_cast<uint64_t>(n);
    converter_.feed({block.data(), static_cast<size_t>(n)}, pending_);
  }
  if (read_ == run_.content_size && !finished_) {
    finished_ = true;
    converter_.finish(pending_);
    pending_ += run_.tail;
  }
  return !pending_.empty();
}

void CommandRun::feed() {
  while (true) {
    if (sent_ == pending_.size() && !refill()) {
      if (source_error_.empty()) in_.reset();
      return;
    }
    ssize_t n = ::write(in_.get(), pending_.data() + sent_, pending_.size() - sent_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) return in_.reset();  // it reads no more; its exit code decides
    sent_ += static_cast<size_t>(n);
  }
}

void CommandRun::drain() {
  char block[8192];
  for (int rounds = 0; rounds < 64; ++rounds) {
    ssize_t n = ::read(out_.get(), block, sizeof block);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return out_.reset();
    output_.append(block, std::min<size_t>(static_cast<size_t>(n), kOutputKept - output_.size()));
  }
}

void CommandRun::step(int wait_msec) {
  pollfd fds[3] = {{pidfd_.get(), POLLIN, 0}, {in_ ? in_.get() : -1, POLLOUT, 0}, {out_ ? out_.get() : -1, POLLIN, 0}};
  if (::poll(fds, 3, wait_msec) <= 0) return;
  if (fds[1].revents) feed();
  if (fds[2].revents) drain();
}

bool CommandRun::reaped() {
  if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
  return pid_ < 0;
}

void CommandRun::stop() {
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

Ended CommandRun::ended() const {
  bool exited = WIFEXITED(status_);
  return {run_.id, exited ? End::exited : End::killed, exited ? WEXITSTATUS(status_) : WTERMSIG(status_), output_};
}

Ended CommandRun::run() {
  if (std::string why = start(); !why.empty()) return failed(why);
  TimePoint end = monotonic_now() + std::chrono::microseconds(run_.time_limit_usec);
  while (!reaped()) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - monotonic_now()).count();
    if (left <= 0 || !source_error_.empty()) {
      stop();
      if (!source_error_.empty()) return failed(source_error_);
      return {run_.id, End::timed_out, 0, output_};
    }
    step(static_cast<int>(std::min<int64_t>(left + 1, pidfd_ ? 60'000 : 50)));
  }
  if (out_) drain();
  return ended();
}

}  // namespace

Ended run_command(const Run& run, int message) {
  return CommandRun(run, message).run();
}

}  // namespace umaya::local_delivery
