// NAME    smtp, lmtp - deliver mail to other hosts
//
// SYNOPSIS
//     smtp [generic daemon options]        lmtp [generic daemon options]
//
// DESCRIPTION
//     Takes deliveries from the queue manager, finds the hosts of each destination (MX, address records, fallback
//     relays), and speaks SMTP, or LMTP when started under that name. One process serves many deliveries at once and
//     keeps connections open for a moment, so that the next message to the same place needs no new one. Mail for a
//     domain of which this host is the best mail exchanger goes back to the queue manager for best_mx_transport.
//
// RECEIVES FROM
//     qmgr (private/NAME of the transport)
//
// HANDS TO
//     other hosts; qmgr (public/qmgr) when the one that asked has gone
//
// PRIVILEGE
//     Talks to strangers: net user, in a sandbox. Reads the one message that it was handed, resolv.conf and hosts, and
//     the tables that change addresses and headers on the way out. Writes nothing.
//
// FILES
//     /etc/resolv.conf, /etc/hosts
//
// SEE ALSO
//     qmgr(8), postconf(5), resolv.conf(5)
#include <memory>
#include <string_view>

#include "libcommon/daemon/delivery_hooks.h"
#include "smtp-client/delivery.h"

namespace {

using umaya::smtp_client::Client;
using umaya::smtp_client::Protocol;

umaya::event::Task<umaya::services::delivery::Reply> deliver(Client* client,
                                                             const umaya::services::delivery::Job& job) {
  umaya::smtp_client::Delivery delivery(*client, job.request, job.message.get());
  co_return co_await delivery.run();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace umaya;
  const std::string_view path = argv[0];
  const bool lmtp = path.substr(path.rfind('/') + 1) == "lmtp";
  const Protocol protocol = lmtp ? Protocol::lmtp : Protocol::smtp;
  std::unique_ptr<Client> client;
  daemon::Hooks hooks;
  hooks.name = lmtp ? "lmtp" : "smtp";
  hooks.run_as = daemon::RunAs::net_user;
  hooks.sandbox = [&client](const daemon::Process& process) {
    daemon::SandboxPolicy policy;
    policy.read = {
        client->params.resolv_conf,  "/etc/hosts", "/etc/services", "/etc/localtime", process.queue_path("private"),
        process.queue_path("public")};
    return policy;
  };
  hooks.prepare = [&client, protocol](daemon::Process& process) -> Result<void> {
    UMAYA_TRY(client, Client::create(protocol, process.config()));
    return {};
  };
  daemon::serve_deliveries(hooks, [&client](const services::delivery::Job& job) { return deliver(client.get(), job); });
  hooks.stop = [&client, stop = std::move(hooks.stop)](daemon::Process& process) {
    client->stop();
    stop(process);
  };
  return daemon::run(argc, argv, std::move(hooks));
}
