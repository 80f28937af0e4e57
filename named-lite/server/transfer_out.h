// NAME    transfer_out - a zone, or what is new in it, on its way to a client
//
// SYNOPSIS
//     if (std::optional<TransferOrder> order = responder.transfer(packet, client, Transport::tcp)) {
//       Transfer transfer = Transfer::begin(std::move(*order));      // blocks on the journal: in a worker's thread
//       while (size_t size = transfer.next(out)) …
//     }
//     std::string answer = udp_transfer(std::move(*order));          // blocks, too
//
// DESCRIPTION
//     AXFR gives the zone (RFC 5936). IXFR (RFC 1995) gives the SOA alone to who is up to date, what is new when the
//     journal reaches back to the client's version, and else the zone. Over UDP there is one message: what is new, or
//     the SOA alone when that does not fit, so that the client comes again over TCP.
//
// OWNERSHIP
//     Both keep what they need of the snapshot, so that a reload does not disturb them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>

#include "named-lite/answer/answer.h"
#include "named-lite/dns/tsig.h"
#include "named-lite/server/snapshot.h"
#include "named-lite/transfer/change_stream.h"
#include "named-lite/transfer/zone_stream.h"

namespace umaya::named {

/// A client that may have a zone, and what it asked for.
struct TransferOrder {
  SnapshotPtr snapshot;  ///< owns the key of the signer, and the journal
  ZoneId zone;
  ImagePtr image;
  std::string packet;              ///< the question
  std::optional<uint32_t> serial;  ///< that the client has: an IXFR
  bool incremental = true;         ///< provide-ixfr
  unsigned ratio = 100;            ///< max-ixfr-ratio, per cent; 0: any
  Transport transport = Transport::tcp;
  size_t udp_size = 512;  ///< what the client can take over UDP
  TransferFormat format = TransferFormat::many_answers;
  seconds most_time{7200};  ///< max-transfer-time-out
  seconds most_idle{60};    ///< max-transfer-idle-out
  std::optional<TsigSigner> signer;
  std::optional<std::string> options;  ///< of the OPT record of the first message; nothing: it has none
  std::string label;                   ///< "IXFR of 'ex.test/IN' to 192.0.2.1", for the log
  size_t zone_number = 0;              ///< for statistics
};

class Transfer {
 public:
  /// Chooses what is sent; reads the journal.
  static Transfer begin(TransferOrder order);
  /// Writes the next message, signed when the question was; its size, 0 at the end or when no record fits.
  size_t next(std::span<char> out);
  bool done() const;
  uint64_t records() const;
  bool is_incremental() const { return std::holds_alternative<ChangeStream>(stream_); }
  const std::string& label() const { return label_; }
  seconds most_time() const { return most_time_; }
  seconds most_idle() const { return most_idle_; }

 private:
  using Stream = std::variant<ZoneStream, ChangeStream>;
  Transfer(TransferOrder order, Stream stream)
      : snapshot_(std::move(order.snapshot)),
        stream_(std::move(stream)),
        signer_(std::move(order.signer)),
        options_(std::move(order.options)),
        most_time_(order.most_time),
        most_idle_(order.most_idle),
        label_(std::move(order.label)) {}

  SnapshotPtr snapshot_;
  Stream stream_;
  std::optional<TsigSigner> signer_;
  std::optional<std::string> options_;
  seconds most_time_, most_idle_;
  std::string label_;
};

/// The one message that answers an IXFR over UDP.
std::string udp_transfer(TransferOrder order);

}  // namespace umaya::named
