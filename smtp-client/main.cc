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
//     TLS is used as smtp_tls_security_level or the destination's line in smtp_tls_policy_maps asks: none; may (when
//     the server offers it; the default); encrypt (or the mail waits); fingerprint, verify, secure (and only with the
//     right certificate). A line is "LEVEL attribute=value …" with match, protocols, ciphers, exclude, servername and
//     connection_reuse, under the destination as the transport table or relayhost writes it, or under ".domain" for
//     what lies below a mail domain. Where TLS fails at the level may, a message that has waited for
//     minimal_backoff_time goes in the clear.
//
//     With smtp_sasl_auth_enable it logs in as smtp_sasl_password_maps says ("user:password" under the sender's
//     address, the server's name, or the destination), with the strongest mechanism that both sides have.
//
// RECEIVES FROM
//     qmgr (private/NAME of the transport)
//
// HANDS TO
//     other hosts; qmgr (public/qmgr) when the one that asked has gone; tlsmgr (private/tlsmgr) for certificates of its
//     own
//
// PRIVILEGE
//     Talks to strangers: net user, in a sandbox. Reads the one message that it was handed, resolv.conf and hosts, and
//     the tables that change addresses and headers on the way out. Writes nothing. Tables of passwords and
//     authorities are opened with the rights of the start; a changed file that only root may read is seen after a
//     reload. Private keys are in tlsmgr(8).
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
    // The authorities of tls_append_default_CA are looked for one by one.
    for (const char* directory : {"/etc/ssl", "/usr/lib/ssl", "/usr/share/ca-certificates"}) {
      policy.read.emplace_back(directory);
    }
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
