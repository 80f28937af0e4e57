// NAME    reader - reads key files for tlsmgr after that has given up root
//
// SYNOPSIS
//     UMAYA_TRY(auto reader, Reader::start(process, paths));      // while root
//     SourceFile file = co_await reader->read(path, known_mark);
//     LookupAnswer found = co_await reader->look_up("mail.example.com");
//     ConfigurationAnswer now = co_await reader->configuration();
//
// DESCRIPTION
//     A child process that keeps one right of root: to read files (CAP_DAC_READ_SEARCH). It reads the files that the
//     configuration names, and looks names up in tls_server_sni_maps; nothing else can be had from it.
//     It reads the configuration anew when it is asked to, and parses no certificate and no key. It ends with the
//     process that started it.
//
//     A value of tls_server_sni_maps is base64 of keys and chains (postmap -F), or a list of files that hold them.
//     "www.example.com" is looked up as it is, then as ".example.com" and ".com".
//
// OWNERSHIP
//     Outlives the tasks that wait for it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/event/sync.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/tls/identity/certificates.h"
#include "tlsmgr/reader_protocol.h"

namespace umaya::tlsmgr {

class Reader {
 public:
  /// paths: every file of the configuration that process has.
  static Result<std::unique_ptr<Reader>> start(const daemon::Process& process, std::vector<std::string> paths);
  /// co_await: the file, or nothing when its mark is the known one. Trouble with the child is an error.
  event::Task<Result<std::optional<tls::SourceFile>>> read(std::string path, std::string known);
  event::Task<LookupAnswer> look_up(std::string name);
  /// co_await: what main.cf and master.cf name now. Those files are the ones that can be read from then on.
  event::Task<ConfigurationAnswer> configuration();

 private:
  explicit Reader(Fd fd) : channel_(std::move(fd)) {}
  template <class Answer, class Query>
  event::Task<Result<Answer>> ask(Query query);
  ipc::Channel channel_;
  event::Semaphore turn_{1};
};

}  // namespace umaya::tlsmgr
