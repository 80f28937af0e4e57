// explain: what would be done with an address, by the test mode of sendmail, which runs the daemons' own code.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands/umaya/commands.h"
#include "libcommon/base/fd.h"
#include "libcommon/log/log.h"

namespace umaya::commands {

int explain(const Invocation& invocation, const std::vector<std::string>& arguments) {
  config::Config config = open_instance(invocation);
  if (arguments.empty()) log::fatal("explain: name one or more addresses");
  std::string questions;
  for (const std::string& address : arguments) {
    if (address.find('\n') != std::string::npos) log::fatal("explain: an address has no line end");
    questions += "/parse " + address + "\n";
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) log::fatal("pipe: {}", strerror(errno));
  Fd read_end(ends[0]), write_end(ends[1]);
  pid_t pid = fork();
  if (pid < 0) log::fatal("fork: {}", strerror(errno));
  if (pid == 0) {
    std::string path = config.get("command_directory") + "/sendmail";
    dup2(read_end.get(), STDIN_FILENO);
    setenv("MAIL_CONFIG", config.directory().c_str(), 1);
    execl(path.c_str(), "sendmail", "-bt", nullptr);
    _exit(127);
  }
  read_end.reset();
  if (::write(write_end.get(), questions.data(), questions.size()) < 0) log::warning("explain: {}", strerror(errno));
  write_end.reset();
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace umaya::commands
