// NAME    postalias - build, change and ask alias tables
//
// SYNOPSIS
//     postalias [-fijnNoprsuvw] [-c config_dir] [-d key] [-q key] [type:]file ...
//
// DESCRIPTION
//     As postmap(1), for files in the form of aliases(5): "name: value, value". newaliases(1) runs it over the files of
//     alias_database.
//
//     When a table is made, every local name in it that is neither an alias nor a user is reported with file and line,
//     and with the name that was most likely meant ("k.kikk" for "k,kikk"). The table is made all the same.
//
//     -c -d -f -i -j -n -N -o -p -q -r -s -u -v -w  as for postmap(1). Answers are printed as "name: TAB value".
//
// FILES
//     /etc/aliases, /etc/umaya/main.cf (alias_database, alias_maps, default_database_type)
//
// ERRORS
//     Bad lines are reported with file and line and left out. Status 1 for every error.
//
// SEE ALSO
//     postmap(1), newaliases(1), local(8), main.cf(5)
#include "commands/postmap/map_command.h"

int main(int argc, char** argv) {
  using namespace umaya;
  static constexpr postmap::Flavour kPostalias = {"postalias",
                                                  "[-Nfinoprsuvw] [-c config_dir] [-d key] [-q key] [map_type:]file...",
                                                  "c:d:fijnNopq:rsuvw",
                                                  ":\t",
                                                  table::read_alias_source,
                                                  true};
  return postmap::run(argc, argv, kPostalias);
}
