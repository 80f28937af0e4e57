// NAME    control_server - takes commands of ndc over a Unix socket
//
// SYNOPSIS
//     UMAYA_TRY(auto sockets, open_control_sockets(conf));       // with the rights of the start
//     ControlServer control(std::move(sockets), target);
//
// DESCRIPTION
//     A client sends one line, the command, and gets one line "ok" or "failed", the text for the person, and the end of
//     the connection. Each command is in the log with the user and process of the client. Who may connect is said by
//     the mode and owner of the socket. Commands of different clients may run at the same time.
//
// OWNERSHIP
//     The target outlives the server. Socket files stay when the server ends; the next start replaces them.
//
// LIMITS
//     A line of 4096 octets within 10 s; 16 clients at once, others wait; a reply of 1 MiB.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/event/listener.h"
#include "libcommon/event/task.h"
#include "named-lite/config/named_conf.h"
#include "named-lite/control/target.h"

namespace umaya::named {

inline constexpr std::string_view kControlOk = "ok\n";
inline constexpr std::string_view kControlFailed = "failed\n";
inline constexpr size_t kMostControlReply = size_t{1} << 20;

struct ControlSocket {
  Fd fd;
  ControlChannel channel;
};

/// What controls says; when it says nothing, one beside the pid-file: /run/named.pid gives /run/named.ndc. Empty when
/// there is neither, or controls is empty.
std::vector<ControlChannel> control_channels(const ControlConf& conf, const std::string& pid_file);
/// Opens them; one that cannot be opened is logged and left out.
std::vector<ControlSocket> open_control_sockets(const std::vector<ControlChannel>& channels);

class ControlServer {
 public:
  ControlServer(std::vector<ControlSocket> sockets, ControlTarget& target);
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  /// Commands come over this socket, too.
  void open(ControlSocket socket);
  /// None come any more over the one with this path; those that are under way go on.
  void close(const std::string& path);

 private:
  struct Place {
    std::string path;
    std::unique_ptr<event::Listener> listener;
  };
  event::Task<void> session(Fd fd, bool read_only);
  event::Task<ControlReply> answer(std::string line, std::string client, bool read_only);

  ControlTarget& target_;
  std::vector<Place> places_;
  event::TaskScope sessions_;
};

}  // namespace umaya::named
