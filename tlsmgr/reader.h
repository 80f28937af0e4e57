// NAME    reader - reads key files for tlsmgr after that has given up root
//
// SYNOPSIS
//     UMAYA_TRY(auto reader, Reader::start(process, paths));      // while root
//     SourceFile file = co_await reader->read(0, known_mark);
//     LookupAnswer found = co_await reader->look_up("mail.example.com");
//
// DESCRIPTION
//     A child process that keeps one right of root: to read files (CAP_DAC_READ_SEARCH). It reads the files that it was
//     started with, by their number, and looks names up in tls_server_sni_maps; nothing else can be had from it. It
//     parses no certificate and no key. It ends with the process that started it.
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
#include "libcommon/table/maps.h"
#include "libcommon/tls/identity/certificates.h"

namespace umaya::tlsmgr {

/// What became of a look-up in tls_server_sni_maps.
enum class Found : uint8_t { yes, no, failed };
struct LookupAnswer {
  Found found = Found::failed;
  std::string text;     ///< keys and chains in PEM
  std::string from;     ///< the table, for messages
  std::string trouble;  ///< when failed
  static constexpr std::string_view kName = "tlsmgr.lookup_answer";
  static void visit(auto& self, auto&& v) {
    v("found", self.found);
    v("text", self.text);
    v("from", self.from);
    v("trouble", self.trouble);
  }
};

class Reader {
 public:
  static Result<std::unique_ptr<Reader>> start(const daemon::Process& process, std::vector<std::string> paths);
  /// co_await: the file, or nothing when its mark is the known one. Trouble with the child is an error.
  event::Task<Result<std::optional<tls::SourceFile>>> read(const std::string& path, std::string known);
  event::Task<LookupAnswer> look_up(std::string name);

 private:
  Reader(Fd fd, std::vector<std::string> paths) : channel_(std::move(fd)), paths_(std::move(paths)) {}
  template <class Answer, class Query>
  event::Task<Result<Answer>> ask(Query query);
  ipc::Channel channel_;
  std::vector<std::string> paths_;
  event::Semaphore turn_{1};
};

/// For a test: what the child answers to a look-up.
LookupAnswer look_up_now(table::Maps& maps, const std::string& name);

}  // namespace umaya::tlsmgr
