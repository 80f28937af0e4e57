// NAME    child - runs a program and waits for its end on the loop
//
// SYNOPSIS
//     UMAYA_CO_TRY(Child child, Child::spawn({.path = "/bin/cat", .arguments = {"cat"}, .stdin_fd = fd}));
//     ExitStatus end = co_await child.wait(10s);
//
// DESCRIPTION
//     execve only, never a shell. The program gets just the environment that is named, standard descriptors as named
//     (/dev/null where none is), no other descriptor, default signal actions and an empty signal mask.
//     Destroying a Child that runs kills its process group and reaps it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/event/loop.h"

namespace umaya::event {

struct SpawnOptions {
  std::string path;                                   ///< program
  std::vector<std::string> arguments;                 ///< argv, argv[0] included
  std::vector<std::string> environment;               ///< NAME=value
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;  ///< borrowed; -1: /dev/null
  std::vector<std::pair<int, int>> inherit{};         ///< {ours, theirs}: further descriptors; theirs > 2
  std::string directory{};                            ///< working directory, empty: ours
  bool own_group = true;                              ///< its own process group, killed as a whole
};

struct ExitStatus {
  bool timed_out = false;  ///< still running
  int code = -1;           ///< exit code, when it exited
  int signal = 0;          ///< what killed it
  bool ok() const { return !timed_out && code == 0; }
};

class Child {
 public:
  static Result<Child> spawn(const SpawnOptions& options);
  /// Takes over a child that was forked elsewhere.
  static Result<Child> adopt(pid_t pid, bool own_group);
  Child(Child&&) = default;
  Child& operator=(Child&&) = delete;
  ~Child();
  pid_t pid() const { return pid_; }
  /// Waits until it ends, at most limit.
  Task<ExitStatus> wait(Duration limit = kForever);
  void kill(int signal);

 private:
  struct Pid {  // moves as -1
    Pid(pid_t p) : value(p) {}
    Pid(Pid&& other) noexcept : value(std::exchange(other.value, -1)) {}
    operator pid_t() const { return value; }
    pid_t value;
  };
  Child(pid_t pid, Fd pidfd, bool own_group) : pid_(pid), pidfd_(std::move(pidfd)), own_group_(own_group) {}
  Pid pid_;
  Fd pidfd_;
  bool own_group_;
};

/// From waitpid's status word.
ExitStatus decode_wait_status(int status);

}  // namespace umaya::event
