// NAME    client_counts - asks anvil how often a client has come
//
// DESCRIPTION
//     One connection to private/anvil for the whole process; anvil takes back what this process counted when it ends.
//
// ERRORS
//     When anvil is not there nothing is limited; that is logged, not more than once a minute.
#pragma once

#include <memory>
#include <string>

#include "libcommon/event/sync.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/net/address.h"
#include "libcommon/services/anvil.h"

namespace umaya::smtpd {

class ClientCounts {
 public:
  /// path: absolute path of anvil's socket. service: name in master.cf.
  ClientCounts(std::string path, std::string service)
      : path_(std::move(path)), service_(std::move(service)), turn_(1) {}

  /// co_await: what the count is after this event.
  event::Task<services::anvil::Counts> count(services::anvil::Event event, std::string client);
  /// Takes back one connection; does not wait.
  void disconnect(const std::string& client);

 private:
  event::Task<Result<services::anvil::Counts>> ask(services::anvil::Count question);

  std::string path_;
  std::string service_;
  event::Semaphore turn_;
  std::unique_ptr<ipc::Channel> channel_;
  TimePoint next_complaint_{};
};

/// The key under which a client counts: its address, cut to the prefix length.
std::string client_key(const net::IpAddress& address, int ipv4_prefix, int ipv6_prefix);

}  // namespace umaya::smtpd
