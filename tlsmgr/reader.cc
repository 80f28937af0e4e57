#include "tlsmgr/reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "libcommon/base/strings.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/ipc/codec.h"
#include "libcommon/log/log.h"

namespace umaya::tlsmgr {

using event::Task;

static constexpr auto kAnswerLimit = std::chrono::seconds(10);
static constexpr int kBuffer = 512 * 1024;

namespace {

struct FileQuery {
  uint32_t number = 0;
  std::string known;
  static constexpr std::string_view kName = "tlsmgr.file";
  static void visit(auto& self, auto&& v) {
    v("number", self.number);
    v("known", self.known);
  }
};

struct FileAnswer {
  bool unchanged = false;
  std::string text;
  int32_t sys_errno = 0;
  uint32_t owner = 0, mode = 0;
  std::string mark;
  static constexpr std::string_view kName = "tlsmgr.file_answer";
  static void visit(auto& self, auto&& v) {
    v("unchanged", self.unchanged);
    v("text", self.text);
    v("sys_errno", self.sys_errno);
    v("owner", self.owner);
    v("mode", self.mode);
    v("mark", self.mark);
  }
};

struct LookupQuery {
  std::string name;
  static constexpr std::string_view kName = "tlsmgr.lookup";
  static void visit(auto& self, auto&& v) { v("name", self.name); }
};

FileAnswer answer_to(const FileQuery& query, const std::vector<std::string>& paths) {
  FileAnswer out;
  if (query.number >= paths.size()) {
    out.sys_errno = ENOENT;
    return out;
  }
  const std::string& path = paths[query.number];
  out.unchanged = !query.known.empty() && tls::source_mark(path) == query.known;
  if (out.unchanged) return out;
  tls::SourceFile file = tls::read_source(path);
  out.text = std::move(file.text);
  out.sys_errno = file.sys_errno;
  out.owner = file.owner;
  out.mode = file.mode;
  out.mark = std::move(file.mark);
  return out;
}

/// The value as PEM: decoded, or read from the files that it names.
Result<std::string> pem_of(std::string_view value) {
  std::string compact;
  for (char c : value) {
    if (!ascii_space(c)) compact += c;
  }
  if (auto decoded = base64_decode(compact); decoded && decoded->find("-----BEGIN ") != std::string::npos) {
    return std::move(*decoded);
  }
  std::string out;
  for (std::string_view path : split_list(value)) {
    if (!path.starts_with('/')) {
      return permanent("the value is neither a list of files nor base64 of some: build the table with postmap -F");
    }
    tls::SourceFile file = tls::read_source(std::string(path));
    if (file.sys_errno != 0) return sys_error(path, file.sys_errno);
    out += file.text;
    if (out.size() > tls::kLargestSource) return permanent("the files are too large together");
  }
  return out;
}

struct CloseDirectory {
  void operator()(DIR* list) const { closedir(list); }
};

/// Closes what only the parent may use: its listeners and its line to master.
void close_others(int ours) {
  std::unique_ptr<DIR, CloseDirectory> list(opendir("/proc/self/fd"));
  std::vector<int> found;
  while (const dirent* entry = list ? readdir(list.get()) : nullptr) {
    if (auto fd = parse_uint(entry->d_name)) found.push_back(static_cast<int>(*fd));
  }
  for (int fd : found) {
    int kind = 0;
    socklen_t size = sizeof kind;
    if (fd <= STDERR_FILENO || fd == ours || ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) != 0) continue;
    if (kind != SOCK_DGRAM) ::close(fd);  // what is left is the way to syslog
  }
}

void send_answer(int fd, const std::string& bytes) {
  if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) _exit(0);
}

[[noreturn]] void serve(int fd, const std::vector<std::string>& paths, table::Maps& maps) {
  std::string room(ipc::kMaxMessage, '\0');
  for (;;) {
    ssize_t n = ::recv(fd, room.data(), room.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(0);
    std::string_view packet(room.data(), static_cast<size_t>(n));
    if (auto query = ipc::decode<FileQuery>(packet)) {
      send_answer(fd, ipc::encode(answer_to(*query, paths)));
    } else if (auto look = ipc::decode<LookupQuery>(packet)) {
      send_answer(fd, ipc::encode(look_up_now(maps, look->name)));
    } else {
      _exit(1);
    }
    log::flush();
  }
}

[[noreturn]] void run_child(const daemon::Process& process, int fd, const std::vector<std::string>& paths) {
  signal(SIGHUP, SIG_IGN);
  signal(SIGTERM, SIG_IGN);  // ends with its parent
  prctl(PR_SET_NAME, "tlsmgr-reader");
  close_others(fd);
  if (process.privileged()) {
    auto account = daemon::find_user(process.config().get("mail_owner"));
    if (!account) log::fatal("{}", account.error().what);
    auto dropped = daemon::give_up_root(*account, daemon::Keep::read_files);
    if (!dropped) log::fatal("{}", dropped.error().what);
    prctl(PR_SET_DUMPABLE, 0);
  }
  daemon::SandboxPolicy policy;
  policy.read = {"/"};
  policy.sockets = daemon::NewSockets::forbidden;
  if (auto entered = daemon::enter_sandbox(policy); !entered) log::fatal("{}", entered.error().what);
  const config::Config& config = process.config();
  table::Options options = table::options_from(config);
  table::Maps maps = table::Maps::open(options, "tls_server_sni_maps", config.get("tls_server_sni_maps"));
  serve(fd, paths, maps);
}

}  // namespace

LookupAnswer look_up_now(table::Maps& maps, const std::string& name) {
  LookupAnswer out;
  maps.refresh();
  out.found = Found::no;
  out.from = maps.title();
  std::string key = name;
  while (!key.empty()) {
    table::Lookup found = maps.find(key);
    if (found.is_error()) {
      out.found = Found::failed;
      out.trouble = found.error().what;
      return out;
    }
    if (found.found()) {
      auto pem = pem_of(found.value());
      out.found = pem ? Found::yes : Found::failed;
      if (pem) out.text = std::move(*pem);
      if (!pem) out.trouble = key + ": " + pem.error().what;
      return out;
    }
    size_t dot = key.find('.', key.starts_with('.') ? 1 : 0);
    key = dot == std::string::npos ? "" : key.substr(dot);
  }
  return out;
}

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
    run_child(process, theirs.get(), paths);
  }
  theirs.reset();
  return std::unique_ptr<Reader>(new Reader(std::move(ours), std::move(paths)));
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

Task<Result<std::optional<tls::SourceFile>>> Reader::read(const std::string& path, std::string known) {
  FileQuery query;
  query.number = static_cast<uint32_t>(std::find(paths_.begin(), paths_.end(), path) - paths_.begin());
  query.known = std::move(known);
  Result<FileAnswer> answer = co_await ask<FileAnswer>(std::move(query));
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->unchanged) co_return std::optional<tls::SourceFile>();
  tls::SourceFile file;
  file.path = path;
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

}  // namespace umaya::tlsmgr
