// NAME    upstream - one question to one name server
//
// DESCRIPTION
//     What the resolver needs of the network. The real one is sockets.h; tests describe servers of their own.
#pragma once

#include <string>

#include "libcommon/event/loop.h"
#include "libcommon/event/task.h"
#include "libcommon/net/address.h"
#include "named-lite/recursion/message.h"

namespace umaya::named {

struct UpstreamRequest {
  net::Endpoint server;
  std::string packet;
  bool over_tcp = false;
  bool exact_case = false;
  std::string client_cookie{};  ///< the first 8 octets of the cookie in the packet; empty: none
  std::string key{};            ///< name (wire form, lower case) of the key that signs it; empty: none
  uint8_t most_mismatches = 8;
  Duration limit{};
};

enum class UpstreamStatus : unsigned char {
  answered,
  timed_out,
  unreachable,   ///< the system, or the server's, says that there is nobody
  suspicious,    ///< too many packets that were not the answer: ask over TCP
  broken,        ///< TCP: closed early, or what came is not the answer
  no_resources,  ///< no socket of ours: says nothing about the server
};

struct UpstreamReply {
  UpstreamStatus status = UpstreamStatus::timed_out;
  Reply reply{};
  Duration took{};
  uint16_t mismatches = 0;  ///< packets that were not the answer
};

class Upstream {
 public:
  virtual ~Upstream() = default;
  /// Sends the packet and waits for its answer. The request must outlive the task.
  virtual event::Task<UpstreamReply> exchange(const UpstreamRequest& request) = 0;
};

/// The time that the resolver goes by.
class ResolverClock {
 public:
  virtual ~ResolverClock() = default;
  virtual TimePoint now() const { return monotonic_now(); }
};

}  // namespace umaya::named
