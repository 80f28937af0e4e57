// NAME    control - messages between the parent and the processes that it starts
//
// DESCRIPTION
//     The parent has no event loop, because it forks: it sends and receives by plain calls, which never wait. The
//     processes have the other end of the socket in a Link. The end of the socket is the end of the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/ipc/channel.h"

namespace umaya::named {

enum class Role : uint8_t { zone, query, recursion };

/// With one descriptor: a socket to another process, in the place of the one before.
struct NewPeer {
  Role role = Role::zone;
  uint32_t number = 0;
  static constexpr std::string_view kName = "named.control.peer";
  static void visit(auto& self, auto&& v) {
    v("role", self.role);
    v("number", self.number);
  }
};

/// To the zone process, with one descriptor: the text of the configuration (ConfigFiles in a sealed memfd).
struct NewConfig {
  bool only_new = false;  ///< files of zones that are there already are not read
  uint32_t number = 0;    ///< of the ParentCommand that asked for it; 0: a signal, or the start
  static constexpr std::string_view kName = "named.control.config";
  static void visit(auto& self, auto&& v) {
    v("only_new", self.only_new);
    v("number", self.number);
  }
};

/// To a query process: with two descriptors (UDP, TCP) the address is listened on from now on, without it is no more.
struct ListenChange {
  std::string at;  ///< an end point as text
  static constexpr std::string_view kName = "named.control.listen";
  static void visit(auto& self, auto&& v) { v("at", self.at); }
};

/// To the zone process: with one descriptor ndc or statistics are asked there from now on, without it no more.
struct ChannelChange {
  bool control = false;  ///< else statistics
  std::string at;        ///< a path, or an end point as text
  bool read_only = false;
  static constexpr std::string_view kName = "named.control.channel";
  static void visit(auto& self, auto&& v) {
    v("control", self.control);
    v("at", self.at);
    v("read_only", self.read_only);
  }
};

/// From a process: it does its work now.
struct RoleReady {
  bool ready = true;
  static constexpr std::string_view kName = "named.control.ready";
  static void visit(auto& self, auto&& v) { v("ready", self.ready); }
};

/// From the zone process: the newest configuration is in service in all processes.
struct ConfigInService {
  bool in_service = true;
  static constexpr std::string_view kName = "named.control.in_service";
  static void visit(auto& self, auto&& v) { v("in_service", self.in_service); }
};

/// From a query process: the zone process does not work as it must.
struct ZoneTrouble {
  bool trouble = true;
  static constexpr std::string_view kName = "named.control.trouble";
  static void visit(auto& self, auto&& v) { v("trouble", self.trouble); }
};

/// To the zone process: the configuration that it asked for, or that a signal asked for, has errors.
struct BadConfig {
  std::string why;      ///< lines for a person, kMost octets at most
  uint32_t number = 0;  ///< as in NewConfig
  static constexpr size_t kMost = size_t{64} << 10;
  static constexpr std::string_view kName = "named.control.bad_config";
  static void visit(auto& self, auto&& v) {
    v("why", self.why);
    v("number", self.number);
  }
};

/// From the zone process: what ndc asks of the parent.
struct ParentCommand {
  enum class What : uint8_t { reload, reconfig, stop };
  What what = What::reload;
  uint32_t number = 0;  ///< comes back with the NewConfig or BadConfig
  static constexpr std::string_view kName = "named.control.command";
  static void visit(auto& self, auto&& v) {
    v("what", self.what);
    v("number", self.number);
  }
};

/// EAGAIN when the other end does not read.
Result<void> send_control(int socket, std::string_view bytes, const std::vector<int>& fds = {});
/// ECONNRESET when the other end is gone; EAGAIN when nothing is there.
Result<ipc::Packet> receive_control(int socket);

}  // namespace umaya::named
