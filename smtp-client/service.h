// NAME    service - serves the queue manager's requests on the private socket of an smtp or lmtp transport
//
// DESCRIPTION
//     A connection is a slot: one request, one reply, the next request. When the queue manager has gone before it could
//     take the reply, the results go to its successor (qmgr::LateResults), and the queue file stays locked until then.
#pragma once

#include <string>

#include "libcommon/base/fd.h"
#include "libcommon/event/task.h"
#include "smtp-client/client.h"

namespace umaya::smtp_client {

/// co_await: serves one connection until the queue manager closes it. qmgr_socket: path of public/qmgr.
event::Task<void> serve(Client& client, Fd connection, std::string qmgr_socket);

}  // namespace umaya::smtp_client
