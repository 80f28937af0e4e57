// NAME    pipe - delivers to an external command
//
// DESCRIPTION
//     Runs the command that its line in master.cf names, with the message on standard input:
//
//         vacation unix - n n - - pipe flags=DRhu user=vmail argv=/usr/bin/deliver -f $sender -- $recipient
//
//     Attributes: flags=BDFORXhqu.>  user=name[:group] (required)  directory=  eol=  null_sender=  size=  argv=… (last,
//     required). Macros in argv: $client_address $client_helo $client_hostname $client_port $client_protocol $domain
//     $extension $mailbox $nexthop $original_recipient $queue_id $recipient $sasl_method $sasl_sender $sasl_username
//     $sender $size $user. No shell takes part. The exit code decides (sysexits.h): 0 delivered, 75 and 71 try later,
//     other known codes return the mail; a signal or the time limit ($NAME_time_limit) defer it. Output that starts
//     with an enhanced status code overrides the exit code.
//
// RECEIVES FROM
//     qmgr: private/NAME
//
// HANDS TO
//     become: private/become
//
// PRIVILEGE
//     mail_owner; the command runs as user=, which must be neither root nor the owner of the mail system
//
// FILES
//     none
//
// SEE ALSO
//     become(8), local(8), virtual(8), qmgr(8), master(5)
#include "libcommon/daemon/delivery_hooks.h"
#include "local-delivery/agent.h"
#include "local-delivery/pipe_service.h"

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks;
  hooks.name = "pipe";
  hooks.prepare = local_delivery::prepare_pipe;
  hooks.sandbox = local_delivery::agent_sandbox;
  daemon::serve_deliveries(hooks, local_delivery::deliver_by_pipe);
  return daemon::run(argc, argv, std::move(hooks));
}
