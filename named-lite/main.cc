// NAME    named-lite - domain name server
//
// SYNOPSIS
//     named-lite [-f | -g] [-X] [-c file] [-n processes] [-p port] [-u user]
//     named-lite checkconf [-z] [file]        (also as named-checkconf)
//     named-lite checkzone [-q] zone file     (also as named-checkzone)
//     named-lite ndc command …                (also as ndc or rndc, see ndc(8))
//
// DESCRIPTION
//     Answers questions with authority from zone files that BIND's named reads, as named.conf says, over UDP and TCP,
//     gives whole zones to the servers that allow-transfer names, and keeps copies of other servers' zones. Questions
//     and transfers may be signed with keys (TSIG).
//
//     -c file   configuration, /etc/umaya/named.conf by default
//     -f        stay in the foreground
//     -g        stay in the foreground and write the log to standard error
//     -n number of query processes; as many as processors by default
//     -p port   where listen-on names no port; 53 by default
//     -u user   give up root for this user once the sockets are open
//     -X        everything in one process, for tests and tiny hosts
//
//     A parent process opens the sockets and starts the others, and starts them again when they die: query processes,
//     which answer from zones in shared memory, and the zone process, which has zone files, keys and transfers. While
//     one of them is away the others go on.
//
//     ndc(8) controls a running server over a Unix socket. SIGHUP reads configuration and zones anew while answering
//     goes on; a zone or configuration with errors leaves the old one in service, and the log says why. SIGTERM and
//     SIGINT end the server.
//
//     checkconf reads a configuration and names each mistake and each statement that has no effect here, with file,
//     line, column and what to write instead; -z reads the zones too. checkzone does the same for one zone file. Both
//     end with status 1 when there are errors.
//
//     Started by master, named_config_file names the configuration, and "umaya reload" reads it anew. The line of
//     master.cf is: domain unix n - n 5 1 named-lite
//
// RECEIVES FROM
//     the network: questions, NOTIFY, requests for zones
// HANDS TO
//     secondaries: zones, NOTIFY; primaries: requests for zones
// PRIVILEGE
//     Root only until the sockets are open, then the user of -u, or net_user when master starts it. Query processes can
//     open no file and no connection; secrets of keys reach the zone process alone.
// FILES
//     /etc/umaya/named.conf, and the zone files that it names; files of secondary zones are written
// SEE ALSO
//     docs/named-lite.md (what of BIND's configuration is acted on), ndc(8), master(8)
#include <algorithm>
#include <span>
#include <string_view>

#include "named-lite/control/ndc.h"
#include "named-lite/server/service.h"
#include "named-lite/server/stand_alone.h"
#include "named-lite/tools/check.h"

int main(int argc, char** argv) {
  std::span<char* const> arguments(argv + (argc > 0 ? 1 : 0), static_cast<size_t>(argc > 0 ? argc - 1 : 0));
  std::string_view name = argc > 0 ? argv[0] : "named-lite";
  if (name.ends_with("named-checkconf")) return umaya::named::check_conf(arguments);
  if (name.ends_with("named-checkzone")) return umaya::named::check_zone_file(arguments);
  std::string_view base = name.substr(name.rfind('/') + 1);
  if (base == "ndc" || base == "rndc") return umaya::named::run_ndc(arguments);
  if (!arguments.empty() && arguments[0] == std::string_view("ndc")) return umaya::named::run_ndc(arguments.subspan(1));
  if (!arguments.empty() && arguments[0] == std::string_view("checkconf")) {
    return umaya::named::check_conf(arguments.subspan(1));
  }
  if (!arguments.empty() && arguments[0] == std::string_view("checkzone")) {
    return umaya::named::check_zone_file(arguments.subspan(1));
  }
  // master tells the type of the service; stand-alone there is no -t.
  bool from_master = std::any_of(arguments.begin(), arguments.end(), [](std::string_view a) { return a == "-t"; });
  if (from_master) return umaya::named::run_service(argc, argv);
  return umaya::named::run_stand_alone(arguments);
}
