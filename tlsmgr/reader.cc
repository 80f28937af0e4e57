#include "tlsmgr/reader.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "libcommon/log/log.h"
#include "tlsmgr/reader_child.h"

namespace umaya::tlsmgr {

using event::Task;

static constexpr auto kAnswerLimit = std::chrono::seconds(10);
static constexpr int kBuffer = 512 * 1024;

Result<std::unique_ptr<Reader>> Reader::start(const daemon::Process& process, std::vector<std::string> paths) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return sys_error("socketpair");
  Fd ours(ends[0]), theirs(ends[1]);
  for (int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kBuffer, sizeof kBuffer);
  log::flush();
  pid_t child = ::fork();
  if (child < 0) return sys_error("fork");
  if (child == 0) {
    ours.reset();
    run_reader_child(process, theirs.get(), std::move(paths));
  }
  theirs.reset();
  return std::unique_ptr<Reader>(new Reader(std::move(ours)));
}

template <class Answer, class Query>
Task<Result<Answer>> Reader::ask(Query query) {
  bool mine = co_await turn_.acquire(kAnswerLimit);
  if (!mine) co_return temporary("the reader of key files does not answer");
  Result<Answer> answer = co_await channel_.call<Answer>(std::move(query), {}, kAnswerLimit);
  turn_.release();
  // Without it nothing can be renewed: master starts both again.
  if (!answer) log::fatal("the reader of key files has failed: {}", answer.error().what);
  co_return answer;
}

Task<Result<std::optional<tls::SourceFile>>> Reader::read(std::string path, std::string known) {
  FileQuery query;
  query.path = path;
  query.known = std::move(known);
  Result<FileAnswer> answer = co_await ask<FileAnswer>(std::move(query));
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->unchanged) co_return std::optional<tls::SourceFile>();
  tls::SourceFile file;
  file.path = std::move(path);
  file.text = std::move(answer->text);
  file.sys_errno = answer->sys_errno;
  file.owner = answer->owner;
  file.mode = answer->mode;
  file.mark = std::move(answer->mark);
  co_return std::optional(std::move(file));
}

Task<LookupAnswer> Reader::look_up(std::string name) {
  LookupQuery query;
  query.name = std::move(name);
  Result<LookupAnswer> answer = co_await ask<LookupAnswer>(std::move(query));
  if (answer) co_return std::move(*answer);
  LookupAnswer failed;
  failed.trouble = answer.error().what;
  co_return failed;
}

Task<ConfigurationAnswer> Reader::configuration() {
  Result<ConfigurationAnswer> answer = co_await ask<ConfigurationAnswer>(ConfigurationQuery());
  ConfigurationAnswer out;
  if (answer) out = std::move(*answer);
  if (!answer) out.trouble = answer.error().what;
  co_return out;
}

}  // namespace umaya::tlsmgr
