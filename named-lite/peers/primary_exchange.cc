#include "named-lite/peers/primary_exchange.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "named-lite/dns/wire.h"

namespace umaya::named {

namespace {

constexpr Duration kConnect = std::chrono::seconds(10);

uint64_t now_seconds() {
  return static_cast<uint64_t>(wall_seconds());
}

std::unexpected<Error> why_not(const event::Read& read, const char* ended) {
  if (read.status == event::ReadStatus::timed_out) return sys_error("nothing came in time", ETIMEDOUT);
  return temporary(ended);
}

}  // namespace

event::Task<Result<std::unique_ptr<PrimaryExchange>>> PrimaryExchange::open(RemoteServer primary, SnapshotPtr snapshot,
                                                                            event::PeerAddress source) {
  const TsigKey* key = primary.key ? find_key(snapshot->conf.keys, primary.key->wire()) : nullptr;
  if (primary.key && key == nullptr) co_return permanent("its key is not there any more");
  event::PeerAddress peer;
  peer.size = primary.at.to_sockaddr(peer.storage);
  auto connected = co_await event::connect_to(peer, kConnect, source);
  if (!connected) co_return std::unexpected(connected.error());
  co_return std::unique_ptr<PrimaryExchange>(new PrimaryExchange(std::move(*connected), std::move(snapshot), key));
}

event::Task<Result<>> PrimaryExchange::ask(std::string question) {
  id_ = static_cast<uint16_t>(random_u64());
  question[0] = static_cast<char>(id_ >> 8);
  question[1] = static_cast<char>(id_);
  signatures_.reset();
  if (key_ != nullptr) {
    TsigSigner signer(*key_);
    signer.sign(question, now_seconds());
    signatures_.emplace(*key_, signer.mac());
  }
  char length[2] = {static_cast<char>(question.size() >> 8), static_cast<char>(question.size())};
  stream_.write({length, 2});
  stream_.write(question);
  stream_.set_timeout(kConnect);
  co_return co_await stream_.flush();
}

event::Task<Result<std::string_view>> PrimaryExchange::receive(Duration limit) {
  stream_.set_timeout(limit);
  event::Read length = co_await stream_.read_exactly(2);
  if (!length) co_return why_not(length, "the connection ended");
  event::Read message = co_await stream_.read_exactly(be16_at(length.data, 0));
  if (!message) co_return why_not(message, "the connection ended within a message");
  if (signatures_) {
    auto trusted = signatures_->take(message.data, now_seconds());
    if (!trusted) co_return std::unexpected(trusted.error());
  }
  co_return message.data;
}

}  // namespace umaya::named
