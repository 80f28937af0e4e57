#include "tlsmgr/reader_child.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "libcommon/base/strings.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/ipc/codec.h"
#include "libcommon/log/log.h"
#include "libcommon/tls/identity/certificates.h"
#include "libcommon/tls/identity/self_signed.h"
#include "libcommon/tls/identity/sets.h"

namespace umaya::tlsmgr {

namespace {

FileAnswer answer_to(const FileQuery& query, const std::vector<std::string>& paths) {
  FileAnswer out;
  if (std::find(paths.begin(), paths.end(), query.path) == paths.end()) {
    out.sys_errno = ENOENT;
    return out;
  }
  out.unchanged = !query.known.empty() && tls::source_mark(query.path) == query.known;
  if (out.unchanged) return out;
  tls::SourceFile file = tls::read_source(query.path);
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

class Child {
 public:
  Child(config::Config config, int fd, std::vector<std::string> paths)
      : config_(std::move(config)), fd_(fd), paths_(std::move(paths)), maps_(open_maps()) {}

  [[noreturn]] void serve() {
    std::string room(ipc::kMaxMessage, '\0');
    for (;;) {
      ssize_t n = ::recv(fd_, room.data(), room.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) _exit(0);
      std::string answer = answer_packet({room.data(), static_cast<size_t>(n)});
      if (answer.empty()) _exit(1);
      if (::send(fd_, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) _exit(0);
      log::flush();
    }
  }

 private:
  table::Maps open_maps() const {
    return table::Maps::open(table::options_from(config_), "tls_server_sni_maps", config_.get("tls_server_sni_maps"));
  }

  /// Empty when it is no question.
  std::string answer_packet(std::string_view packet) {
    if (auto query = ipc::decode<FileQuery>(packet)) return ipc::encode(answer_to(*query, paths_));
    if (auto look = ipc::decode<LookupQuery>(packet)) return ipc::encode(look_up_now(maps_, look->name));
    if (ipc::decode<ConfigurationQuery>(packet)) return ipc::encode(reload());
    return {};
  }

  ConfigurationAnswer reload() {
    auto fresh = config_.reload();
    ConfigurationAnswer out;
    if (fresh) out = configuration_of(*fresh);
    if (!fresh) out.trouble = fresh.error().what;
    if (!out.trouble.empty()) return out;
    config_ = std::move(*fresh);
    paths_.clear();
    for (const FileSet& set : out.sets) {
      for (const FilePair& pair : set.pairs) paths_.insert(paths_.end(), {pair.certificate, pair.key});
    }
    std::erase(paths_, "");
    maps_ = open_maps();
    return out;
  }

  config::Config config_;
  int fd_;
  std::vector<std::string> paths_;
  table::Maps maps_;
};

}  // namespace

void run_reader_child(const daemon::Process& process, int fd, std::vector<std::string> paths) {
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
  Child(process.config(), fd, std::move(paths)).serve();
}

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

ConfigurationAnswer configuration_of(const config::Config& config) {
  ConfigurationAnswer out;
  auto sets = tls::find_sets(config);
  if (!sets) {
    out.trouble = sets.error().what;
    return out;
  }
  for (const tls::IdentityFiles& files : sets->files) {
    FileSet set;
    set.parameters = files.parameters;
    for (const auto& pair : files.pairs) set.pairs.push_back({pair.certificate, pair.key});
    out.sets.push_back(std::move(set));
  }
  out.lacks_self_signed = sets->needs_self_signed && !tls::has_self_signed(config);
  return out;
}

}  // namespace umaya::tlsmgr
