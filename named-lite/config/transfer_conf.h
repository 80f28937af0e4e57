// NAME    transfer_conf - what named.conf says of zone transfers and NOTIFY
#pragma once

#include <chrono>
#include <vector>

#include "named-lite/config/reading.h"

namespace umaya::named {

/// Whom a primary or secondary tells of a new serial.
enum class NotifyMode : unsigned char {
  no,
  yes,
  explicit_only,  ///< also-notify alone
  primary_only,   ///< as yes, but not in secondary zones
};

/// The address that something is sent from; no address, port 0: the system chooses.
struct SourceAddresses {
  net::Endpoint ipv4, ipv6;
};

struct NotifyConf {
  NotifyMode mode = NotifyMode::yes;
  std::vector<RemoteServer> also;  ///< also-notify
  seconds delay{5};                ///< notify-delay: between two NOTIFYs of a zone
  bool to_soa = false;             ///< notify-to-soa: the server that the SOA names, too
  SourceAddresses source;
};

enum class TransferFormat : unsigned char { one_answer, many_answers };

/// Of options, views and zones.
struct TransferConf {
  AclRef allow_transfer;  ///< never null; nobody by default
  AclRef allow_notify;    ///< on top of the primaries; null: nobody
  NotifyConf notify;
  SourceAddresses source;  ///< transfer-source
  TransferFormat format = TransferFormat::many_answers;
  seconds min_refresh{300}, max_refresh{2419200};
  seconds min_retry{500}, max_retry{1209600};
  seconds max_time_in{7200}, max_idle_in{60};  ///< idle: an hour in BIND, for which a place would be taken
  seconds max_time_out{7200}, max_idle_out{60};
  bool try_tcp_refresh = true;
  bool multi_master = false;  ///< primaries may differ: no word of a serial that is lower than ours
  bool request_expire = true;

  TransferConf();
};

/// Of options alone.
struct TransferLimits {
  uint16_t transfers_in = 10;  ///< at the same time, as the next two
  uint16_t transfers_out = 10;
  uint16_t transfers_per_server = 2;
  uint16_t message_size = 16384;    ///< names are compressed in so many octets only
  uint32_t serial_query_rate = 20;  ///< each second, as the next two
  uint32_t notify_rate = 20;
  uint32_t startup_notify_rate = 20;
};

std::span<const Setting<TransferConf>> transfer_settings();
std::span<const Setting<TransferLimits>> transfer_limit_settings();

/// `192.0.2.1 [port 53]` or `*` from a part on: transfer-source, notify-source and others.
void read_source(const Reading& reading, const Statement& statement, net::Family family, net::Endpoint& out);

}  // namespace umaya::named
