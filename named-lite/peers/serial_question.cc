#include "named-lite/peers/serial_question.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/event/datagram.h"
#include "named-lite/dns/tsig.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/transfer/expire_option.h"
#include "named-lite/transfer/transfer_question.h"

namespace umaya::named {

namespace {

using namespace std::chrono_literals;

constexpr Duration kWaits[] = {1s, 2s, 3s};
constexpr uint16_t kAnswer = 0x8000;
constexpr uint16_t kTruncated = 0x0200;

uint64_t now_seconds() {
  return static_cast<uint64_t>(wall_seconds());
}

/// A question as it is sent, and what its answer must fit.
struct Asked {
  std::string packet{};
  uint16_t id = 0;
  const TsigKey* key = nullptr;
  std::string mac{};
};

Asked make_question(const Name& zone, bool expire, const TsigKey* key) {
  Asked asked;
  asked.id = static_cast<uint16_t>(random_u64());
  asked.packet = zone_question(zone, type::kSoa, asked.id);
  if (expire) ask_for_expire(asked.packet);
  asked.key = key;
  if (key == nullptr) return asked;
  TsigSigner signer(*key);
  signer.sign(asked.packet, now_seconds());
  asked.mac = signer.mac();
  return asked;
}

/// The flags of an answer to the question; nothing when it is anything else.
std::optional<uint16_t> flags_of_answer(const Asked& asked, std::string_view packet) {
  if (packet.size() < kMessageHeader || be16_at(packet, 0) != asked.id) return std::nullopt;
  uint16_t flags = be16_at(packet, 2);
  if ((flags & kAnswer) == 0) return std::nullopt;
  if (asked.key == nullptr) return flags;
  TsigStream signatures(*asked.key, asked.mac);
  bool trusted = signatures.take(packet, now_seconds()).has_value() && signatures.complete();
  return trusted ? std::optional(flags) : std::nullopt;
}

Result<event::DatagramSocket> open_socket(const RemoteServer& primary, const event::PeerAddress& source) {
  event::PeerAddress peer;
  peer.size = primary.at.to_sockaddr(peer.storage);
  auto socket = event::DatagramSocket::create(peer.storage.ss_family, source);
  if (!socket) return std::unexpected(socket.error());
  auto connected = socket->connect(peer);
  if (!connected) return std::unexpected(connected.error());
  return socket;
}

}  // namespace

event::Task<Result<SoaAnswer>> ask_serial(RemoteServer primary, SnapshotPtr snapshot, event::PeerAddress source,
                                          Name zone, bool expire) {
  const TsigKey* key = primary.key ? find_key(snapshot->conf.keys, primary.key->wire()) : nullptr;
  if (primary.key && key == nullptr) co_return permanent("its key is not there any more");
  auto socket = open_socket(primary, source);
  if (!socket) co_return std::unexpected(socket.error());
  const Asked asked = make_question(zone, expire, key);
  for (Duration wait : kWaits) {
    auto sent = socket->send(asked.packet);
    if (!sent) co_return std::unexpected(sent.error());
    for (TimePoint end = monotonic_now() + wait; monotonic_now() < end;) {
      auto packet = co_await socket->receive(end - monotonic_now(), 4096);
      if (!packet && packet.error().sys_errno != ETIMEDOUT) co_return std::unexpected(packet.error());
      if (!packet) break;
      auto flags = flags_of_answer(asked, packet->bytes);
      if (!flags) continue;
      if ((*flags & kTruncated) != 0) co_return temporary("the answer is cut");
      co_return read_soa_answer(packet->bytes, zone, asked.id);
    }
  }
  co_return temporary("no answer over UDP");
}

}  // namespace umaya::named
