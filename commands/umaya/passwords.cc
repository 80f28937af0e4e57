#include "commands/umaya/passwords.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "libcommon/base/fd.h"

namespace umaya::commands {

namespace {

constexpr size_t kMostPassword = 1024;

/// One line, without its end.
Result<Secret> read_line(int fd) {
  std::string line;
  while (true) {
    char c;
    ssize_t n = ::read(fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("read the password");
    if (n == 0 && line.empty()) return permanent("no password was given");
    if (n == 0 || c == '\n') break;
    line += c;
    if (line.size() > kMostPassword) return permanent("the password is too long");
  }
  if (line.ends_with('\r')) line.pop_back();
  Secret secret(line);
  explicit_bzero(line.data(), line.size());
  return secret;
}

/// Keeps what is typed off the screen while it lives.
class Hidden {
 public:
  explicit Hidden(int fd) : fd_(fd) {
    if (tcgetattr(fd, &before_) != 0) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_changed_ = tcsetattr(fd, TCSAFLUSH, &hidden) == 0;
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
  ~Hidden() {
    if (is_changed_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  int fd_;
  termios before_{};
  bool is_changed_ = false;
};

Result<Secret> ask(int terminal, std::string_view prompt) {
  (void)!::write(terminal, prompt.data(), prompt.size());
  Hidden hidden(terminal);
  auto line = read_line(terminal);
  (void)!::write(terminal, "\n", 1);
  return line;
}

}  // namespace

Result<Secret> read_password(std::string_view prompt, Typing typing) {
  if (!isatty(STDIN_FILENO)) return read_line(STDIN_FILENO);
  Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal) return sys_error("/dev/tty");
  UMAYA_TRY(Secret first, ask(terminal.get(), prompt));
  if (typing == Typing::once) return first;
  UMAYA_TRY(Secret second, ask(terminal.get(), "Again: "));
  if (first.reveal() != second.reveal()) return permanent("the two passwords are not the same");
  return first;
}

}  // namespace umaya::commands
