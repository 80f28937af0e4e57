#include "libcommon/ipc/codec.h"

#include <catch2/catch.hpp>

#include "libcommon/services/anvil.h"
#include "libcommon/services/bounce.h"
#include "libcommon/services/cleanup.h"
#include "libcommon/services/flush.h"
#include "libcommon/services/proxymap.h"
#include "libcommon/services/qmgr.h"
#include "libcommon/services/showq.h"

using namespace umaya;
using namespace umaya::services;

static cleanup::Submission sample() {
  cleanup::Submission s;
  s.envelope.queue_id = "4C2F1A0B2";
  s.envelope.sender = "a@example.test";
  s.envelope.attributes = {{"client_name", "unknown"}, {"helo_name", std::string("x\0y", 3)}};
  s.envelope.ret = Return::headers;
  s.recipients = {{"b@example.test", "list@example.test", "rfc822;list@example.test", kNotifySuccess}};
  s.content = "Subject: hi\r\n\r\nbody\r\n";
  return s;
}

TEST_CASE("codec: a message comes back as it was", "[ipc][codec]") {
  auto s = ipc::decode<cleanup::Submission>(ipc::encode(sample()));
  REQUIRE(s);
  REQUIRE(s->envelope.attribute("helo_name") == std::string_view("x\0y", 3));
  REQUIRE(s->recipients[0].notify == kNotifySuccess);
  REQUIRE(s->envelope.ret == Return::headers);
  REQUIRE(s->last_content);
}

TEST_CASE("codec: Q27 every cut and every flipped byte is an error or a well-formed message, never a crash",
          "[ipc][codec]") {
  std::string wire = ipc::encode(sample());
  for (size_t cut = 0; cut < wire.size(); ++cut) REQUIRE_FALSE(ipc::decode<cleanup::Submission>(wire.substr(0, cut)));
  REQUIRE_FALSE(ipc::decode<cleanup::Submission>(wire + "x"));
  for (size_t i = 0; i < wire.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = wire;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      (void)ipc::decode<cleanup::Submission>(bad);
    }
  }
}

TEST_CASE("codec: a vector that claims more elements than there are bytes is refused", "[ipc][codec]") {
  std::string wire;
  ByteWriter(wire).u32(ipc::mark_of<qmgr::NewMessage>()).u32(0xffffffff);
  REQUIRE_FALSE(ipc::decode<qmgr::NewMessage>(wire));
}

TEST_CASE("codec: every message type has a mark of its own", "[ipc][codec]") {
  std::vector<uint32_t> marks = {ipc::mark_of<cleanup::Submission>(), ipc::mark_of<cleanup::MoreRecipients>(),
                                 ipc::mark_of<cleanup::Content>(),    ipc::mark_of<cleanup::Outcome>(),
                                 ipc::mark_of<qmgr::NewMessage>(),    ipc::mark_of<qmgr::LateResults>(),
                                 ipc::mark_of<qmgr::Command>(),       ipc::mark_of<qmgr::Done>(),
                                 ipc::mark_of<delivery::Request>(),   ipc::mark_of<delivery::Reply>(),
                                 ipc::mark_of<bounce::Append>(),      ipc::mark_of<bounce::Notify>(),
                                 ipc::mark_of<bounce::Forget>(),      ipc::mark_of<bounce::Done>(),
                                 ipc::mark_of<anvil::Count>(),        ipc::mark_of<anvil::Counts>(),
                                 ipc::mark_of<showq::List>(),         ipc::mark_of<showq::Entry>(),
                                 ipc::mark_of<showq::End>(),          ipc::mark_of<proxymap::Query>(),
                                 ipc::mark_of<proxymap::Answer>(),    ipc::mark_of<flush::Request>(),
                                 ipc::mark_of<flush::Done>()};
  std::sort(marks.begin(), marks.end());
  REQUIRE(std::adjacent_find(marks.begin(), marks.end()) == marks.end());
}
