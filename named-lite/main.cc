// NAME    named-lite - domain name server
//
// SYNOPSIS
//     named-lite [-4 | -6] [-f | -g] [-X] [-c file] [-d level] [-L file] [-n processes] [-p port] [-t directory]
//                [-u user]
//     named-lite -v | -V
//     named-lite checkconf [-cilz] [-p [-x]] [-t directory] [file]     (also as named-checkconf)
//     named-lite checkzone [flags] zone file                         (also as named-checkzone)
//     named-lite compilezone [flags] -o file zone file               (also as named-compilezone)
//     named-lite ndc command …                                       (also as ndc or rndc, see ndc(8))
//
// DESCRIPTION
//     Answers questions with authority from zone files that BIND's named reads, as named.conf says, over UDP and TCP,
//     gives whole zones to the servers that allow-transfer names, keeps copies of other servers' zones, and takes
//     dynamic updates. For clients in allow-recursion it asks other name servers and remembers what they said.
//     Questions, transfers and updates may be signed with keys (TSIG).
//
//     -4, -6    use IPv4 alone, or IPv6 alone: to listen, to ask other name servers, to fetch zones
//     -c file   configuration, /etc/umaya/named.conf by default
//     -d level  write debugging lines when it is more than 0
//     -f        stay in the foreground
//     -g        stay in the foreground and write the log to standard error
//     -L file   write the log to this file and not to syslog
//     -n number of query processes; as many as processors by default
//     -p port   where listen-on names no port; 53 by default
//     -t directory  chroot(2) there before anything is read: -c and all names in the configuration are meant beneath it
//     -u user   give up root for this user once the sockets are open, but for the right to open ports below 1024
//     -v, -V    say what this is, and how it was built, and end
//     -X        everything in one process, for tests and tiny hosts
//
//     BIND's other flags (-E -M -S -T -U -m -s -x) are refused; -D is taken and does nothing.
//
//     A parent process opens the sockets and starts the others, and starts them again when they die: query processes,
//     which answer from zones in shared memory, the recursion process, which asks other name servers, and the zone
//     process, which has zone files, keys, transfers and updates. While one of them is away the others go on.
//
//     ndc(8) controls a running server over a Unix socket. SIGHUP reads configuration and zones anew while answering
//     goes on; addresses that are new in listen-on are opened, and others closed, without a restart; a zone or
//     configuration with errors leaves the old one in service, and the log says why. SIGTERM and SIGINT end the server.
//
//     checkconf reads a configuration and names each mistake and each statement that has no effect here, with file,
//     line, column and what to write instead; -z reads the zones too, -p prints the configuration in one form with what
//     it includes, -x without secrets, -l lists the zones, -i says nothing of obsolete statements, -j is refused.
//     checkzone reads one zone file, and compilezone writes it as text, too. Their flags are those of BIND's tools:
//
//     -D, -o file  write the zone to standard output, or to a file (- is standard output)
//     -s style     full (each record whole) or relative
//     -k -m -M -r -S mode  fail, warn or ignore: names that no host may have, MX at an address, MX at an alias, records
//                  that stand twice, SRV at an alias
//     -T -W mode   SPF, wildcards; -i mode: full, local or none: addresses of what is pointed at
//     -l ttl       the largest TTL that is allowed
//     -q           print nothing; -t directory: chroot(2); -w directory: chdir(2)
//     -n mode      the same for NS at an address; -c class, -f and -F format: only IN and text are read and written
//     -C, -j, -J, -L  refused: SVCB records are not checked, journals not read, raw files not written
//
//     All end with status 1 when there are errors, and with 2 for wrong flags.
//
//     Started by master, named_config_file names the configuration, and "umaya reload" reads it anew. The line of
//     master.cf is: domain unix n - n 5 1 named-lite
//
// RECEIVES FROM
//     the network: questions, NOTIFY, UPDATE, requests for zones
// HANDS TO
//     secondaries: zones, NOTIFY; primaries: requests for zones; other name servers: questions
// PRIVILEGE
//     Root only until the sockets are open, then the user of -u, or net_user when master starts it; the parent process
//     alone keeps CAP_NET_BIND_SERVICE, for addresses of a new configuration. Query processes can open no file and no
//     connection; secrets of keys reach the zone process alone.
// FILES
//     /etc/umaya/named.conf, and the zone files that it names; files of secondary and dynamic zones, named-lite.journal
//     and images (FILE.nlz) beside large zone files are written
// SEE ALSO
//     docs/named-lite.md (what of BIND's configuration is acted on), ndc(8), master(8)
#include <malloc.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "named-lite/control/ndc.h"
#include "named-lite/server/service.h"
#include "named-lite/server/stand_alone.h"
#include "named-lite/tools/check.h"

using umaya::named::check_zone_file;
using umaya::named::ZoneTool;

namespace {

/// master tells the type of the service behind -t, where stand-alone a directory stands.
bool is_from_master(std::span<char* const> arguments) {
  constexpr std::string_view kTypes[] = {"inet", "unix", "fifo", "pass", "unix-dgram"};
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (std::string_view(arguments[i]) != "-t") continue;
    return std::find(std::begin(kTypes), std::end(kTypes), std::string_view(arguments[i + 1])) != std::end(kTypes);
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::span<char* const> arguments(argv + (argc > 0 ? 1 : 0), static_cast<size_t>(argc > 0 ? argc - 1 : 0));
  std::string_view name = argc > 0 ? argv[0] : "named-lite";
  std::string_view base = name.substr(name.rfind('/') + 1);
  bool by_word = !arguments.empty() && base != "ndc" && base != "rndc" && !base.starts_with("named-c");
  if (by_word) base = arguments[0];
  auto rest = by_word ? arguments.subspan(1) : arguments;
  if (base == "checkconf" || base == "named-checkconf") return umaya::named::check_conf(rest);
  if (base == "checkzone" || base == "named-checkzone") return check_zone_file(rest, ZoneTool::check);
  if (base == "compilezone" || base == "named-compilezone") return check_zone_file(rest, ZoneTool::compile);
  if (base == "ndc" || base == "rndc") return umaya::named::run_ndc(rest);
  // One heap for all threads: of others than the first, malloc_trim() keeps what reading a large zone took.
  ::mallopt(M_ARENA_MAX, 1);
  if (is_from_master(arguments)) return umaya::named::run_service(argc, argv);
  return umaya::named::run_stand_alone(arguments);
}
