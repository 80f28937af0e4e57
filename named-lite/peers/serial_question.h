// NAME    serial_question - asks a primary over UDP for the serial of a zone
//
// SYNOPSIS
//     auto soa = co_await ask_serial(primary, snapshot, source, zone, true);
//     if (!soa) …                                    // nothing came that could be used: ask over TCP
//
// DESCRIPTION
//     RFC 1034 4.3.5: one small question, sent three times at most, 1, 2 and 3 s apart, from a port of its own. It is
//     signed when the primary has a key, and an answer that is not signed by it (RFC 8945), or is to another question,
//     is ignored like any packet of a stranger: it does not end the wait.
//
// OWNERSHIP
//     The task keeps the snapshot, which owns the key.
//
// ERRORS
//     Temporary: nobody listens there, nothing came in time, or what came is cut (TC). Permanent: the key is not there.
//     What the primary says against the question, as REFUSED, is in SoaAnswer::why.
#pragma once

#include "libcommon/event/listener.h"
#include "libcommon/event/task.h"
#include "named-lite/server/snapshot.h"
#include "named-lite/transfer/zone_receiver.h"

namespace umaya::named {

/// source: the address to ask from; size 0: the system chooses. expire: asks how long the zone may be kept, too.
event::Task<Result<SoaAnswer>> ask_serial(RemoteServer primary, SnapshotPtr snapshot, event::PeerAddress source,
                                          Name zone, bool expire);

}  // namespace umaya::named
