// LINK pop3d_core umaya_daemon umaya_services
// NAME    ipc_message_fuzz - every message decoder against hostile bytes
#include "libcommon/daemon/status.h"
#include "libcommon/ipc/codec.h"
#include "libcommon/services/anvil.h"
#include "libcommon/services/become.h"
#include "libcommon/services/bounce.h"
#include "libcommon/services/cleanup.h"
#include "libcommon/services/flush.h"
#include "libcommon/services/postdrop.h"
#include "libcommon/services/proxymap.h"
#include "libcommon/services/qmgr.h"
#include "libcommon/services/sessions.h"
#include "libcommon/services/showq.h"
#include "libcommon/table/proxy_protocol.h"
#include "pop3d/sessions/messages.h"

using namespace umaya;
using namespace umaya::services;

/// The first byte chooses the type, the rest is its body; what decodes must encode to the same bytes.
template <class... Types>
static void try_types(uint8_t choice, std::string_view body) {
  uint8_t index = 0;
  auto one = [&]<class T>(T*) {
    if (index++ != choice % sizeof...(Types)) return;
    std::string wire;
    ByteWriter(wire).u32(ipc::mark_of<T>()).bytes(body);
    auto message = ipc::decode<T>(wire);
    if (message && ipc::encode(*message) != wire) __builtin_trap();
  };
  (one(static_cast<Types*>(nullptr)), ...);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  try_types<cleanup::Submission, cleanup::MoreRecipients, cleanup::Content, cleanup::Outcome, qmgr::NewMessage,
            qmgr::LateResults, qmgr::Command, qmgr::Done, delivery::Request, delivery::Reply, bounce::Append,
            bounce::Notify, bounce::Forget, bounce::Done, anvil::Count, anvil::Counts, showq::List, showq::Entry,
            showq::End, proxymap::Query, proxymap::Answer, flush::Request, flush::Done, become::Start, become::Refused,
            become::Deliver, become::Delivered, become::ReadFile, become::FileContent, become::Run, become::Ended,
            postdrop::Start, table::ProxyQuery, table::ProxyAnswer, daemon::Status, pop3d::Handover,
            pop3d::StartSession, pop3d::EndSession, pop3d::SessionsEnded, pop3d::LogLine, pop3d::StopAll, sessions::Who,
            sessions::WhoReply, sessions::Kick, sessions::KickReply>(
      data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
