#include "named-lite/server/transfer_out.h"

#include "libcommon/base/clock.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/transfer/difference.h"
#include "named-lite/transfer/expire_option.h"

namespace umaya::named {

namespace {

uint64_t now() {
  return static_cast<uint64_t>(wall_seconds());
}

/// What is new for the client; nothing when it must have the whole zone.
std::optional<ZoneChange> news_for(const TransferOrder& order) {
  const auto& journal = order.snapshot->journal;
  if (!order.serial || !order.incremental || !journal) return std::nullopt;
  return difference_to(*journal, order.zone, *order.image, *order.serial, order.ratio);
}

bool is_up_to_date(const TransferOrder& order) {
  return order.serial && !serial_is_newer(order.image->header().serial, *order.serial);
}

}  // namespace

Transfer Transfer::begin(TransferOrder order) {
  Query query;
  parse_query(order.packet, query);
  auto transfer = [&](Stream stream) { return Transfer(std::move(order), std::move(stream)); };
  using Extent = ZoneStream::Extent;
  if (is_up_to_date(order)) return transfer(ZoneStream(order.image, query, order.packet, Extent::soa, order.format));
  if (auto news = news_for(order)) {
    std::vector<ZoneChange> steps(1, std::move(*news));
    return transfer(ChangeStream(std::move(steps), query, order.packet, order.format));
  }
  Extent extent = order.transport == Transport::udp ? Extent::soa : Extent::zone;
  return transfer(ZoneStream(order.image, query, order.packet, extent, order.format));
}

size_t Transfer::next(std::span<char> out) {
  size_t reserved = (signer_ ? signer_->room() : 0) + (options_ ? opt_size(*options_) : 0);
  if (out.size() < reserved) return 0;
  size_t size = std::visit([&](auto& stream) { return stream.next(out.first(out.size() - reserved)); }, stream_);
  if (size > 0 && options_) {
    size = add_opt(out, size, *options_);
    options_.reset();  // RFC 5936 2.2.5: of the first message
  }
  if (size == 0 || !signer_) return size;
  return signer_->sign(out, size, now());
}

bool Transfer::done() const {
  return std::visit([](const auto& stream) { return stream.done(); }, stream_);
}

uint64_t Transfer::records() const {
  return std::visit([](const auto& stream) { return stream.records(); }, stream_);
}

std::string udp_transfer(TransferOrder order) {
  TransferOrder soa_alone = order;
  soa_alone.incremental = false;
  std::string out(order.udp_size, '\0');
  Transfer news = Transfer::begin(std::move(order));
  size_t size = news.next(out);
  if (!news.done()) size = Transfer::begin(std::move(soa_alone)).next(out);  // RFC 1995 2
  out.resize(size);
  return out;
}

}  // namespace umaya::named
