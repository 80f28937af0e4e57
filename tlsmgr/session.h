// NAME    session - the questions of one process, answered one after the other
#pragma once

#include <set>

#include "libcommon/base/fd.h"
#include "libcommon/event/task.h"
#include "libcommon/ipc/channel.h"
#include "tlsmgr/store.h"
#include "tlsmgr/ticket_keys.h"

namespace umaya::tlsmgr {

class Service {
 public:
  Store& store() { return store_; }
  /// Serves a connection until the client closes it, or close_idle() does.
  event::Task<void> serve(Fd fd);
  /// Ends the connections that wait for a question, and the others after their answer: their processes ask the next
  /// tlsmgr then.
  void close_idle();

 private:
  event::Task<std::string> answer(ipc::Packet packet);
  tls::SignAnswer sign_for(const tls::SignQuery& query);
  Store store_;
  TicketKeys tickets_;
  std::set<ipc::Channel*> waiting_;
  bool closing_ = false;
};

}  // namespace umaya::tlsmgr
