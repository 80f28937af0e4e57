// NAME    postmap - build, change and ask lookup tables
//
// SYNOPSIS
//     postmap [-bfFhijmnNoprsuUvw] [-c config_dir] [-d key] [-q key] [type:]file ...
//
// DESCRIPTION
//     Without -d, -i, -q or -s: makes the indexed file of each table (file.lmdb, file.cdb) from its source, lines of
//     "key value". Lines that start with white space continue the one before; # starts a comment line. The new file has
//     the readers that the source has, and belongs to the source's owner.
//
//     An lmdb file is changed in place while others may read it: they see the old entries until the last line is in.
//
//     -b   With "-q -": a message is read, its body lines are the keys.
//     -c   The instance; default: $MAIL_CONFIG, else /etc/umaya.
//     -d   Delete a key from every table; "-": the keys on standard input. Status 0 when one was there.
//     -f   Keys keep their case.
//     -F   Values are lists of files; their contents are stored in base64, and decoded by -q and -s.
//     -h   With "-q -": a message is read, its headers are the keys; -m: those of attached messages too.
//     -i   Entries come from standard input and are added to the table.
//     -j   With -q or -s: one JSON object a line.
//     -n   Keys and values are stored without a final NUL byte; -N: with one (the default).
//     -o   root stays root although the source belongs to somebody else.
//     -p   The new file is readable for all, whatever the source is.
//     -q   Ask: prints the value of the key from the first table that has it. "-": keys on standard input, answers
//          as "key TAB value". Status 1 when nothing was found. Keys are asked as they are: no parts of addresses.
//     -r   A key that is there already gets the new value; -w: keeps the old one without a warning.
//     -s   Print all entries.
//     -u   No check for UTF-8; -U: check.
//     -v   Verbose.
//
// FILES
//     /etc/umaya/main.cf (default_database_type, lmdb_map_size)
//
// ERRORS
//     Bad lines are reported with file and line and left out. Status 1 for every error.
//
// SEE ALSO
//     postalias(1), postconf(1), main.cf(5)
#include "commands/postmap/map_command.h"

int main(int argc, char** argv) {
  using namespace umaya;
  static constexpr postmap::Flavour kPostmap = {
      "postmap",
      "[-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...",
      "bc:d:fFhijmnNopq:rsuUvw",
      "\t",
      table::read_map_source,
      false};
  return postmap::run(argc, argv, kPostmap);
}
