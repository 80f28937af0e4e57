#include "smtpd/client_counts.h"

#include "libcommon/log/log.h"

namespace umaya::smtpd {

using event::Task;
using namespace std::chrono_literals;
namespace anvil = services::anvil;

std::string client_key(const net::IpAddress& address, int ipv4_prefix, int ipv6_prefix) {
  net::IpAddress plain = address.unmapped();
  int prefix = plain.is_v4() ? ipv4_prefix : ipv6_prefix;
  if (prefix >= plain.bits()) return plain.to_string();
  return net::Network(plain, prefix).to_string();
}

Task<Result<anvil::Counts>> ClientCounts::ask(anvil::Count question) {
  if (!channel_ || channel_->stale()) {
    channel_.reset();
    auto channel = ipc::Channel::connect(path_);
    if (!channel) co_return std::unexpected(channel.error());
    channel_ = std::move(*channel);
  }
  Result<anvil::Counts> counts = co_await channel_->call<anvil::Counts>(std::move(question), {}, 10s);
  if (!counts) channel_.reset();
  co_return counts;
}

Task<anvil::Counts> ClientCounts::count(anvil::Event event, std::string client) {
  anvil::Count question{event, service_, std::move(client)};
  bool mine = co_await turn_.acquire(10s);
  if (!mine) co_return anvil::Counts{};
  Result<anvil::Counts> counts = co_await ask(std::move(question));
  turn_.release();
  if (counts) co_return *counts;
  if (TimePoint now = monotonic_now(); now >= next_complaint_) {
    log::warning("anvil: {}; clients are not limited", counts.error().what);
    next_complaint_ = now + 60s;
  }
  co_return anvil::Counts{};
}

void ClientCounts::disconnect(const std::string& client) {
  if (!channel_) return;
  anvil::Count question{anvil::Event::disconnect, service_, client};
  if (!channel_->send_now(ipc::encode(question))) channel_.reset();
}

}  // namespace umaya::smtpd
