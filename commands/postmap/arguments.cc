#include <unistd.h>

#include "commands/postmap/map_command.h"

namespace umaya::postmap {

namespace {

/// An option that is only a switch; false when letter is none.
bool set_switch(Request& out, int letter) {
  struct Row {
    char letter;
    bool Request::*member;
    bool value;
  };
  static constexpr Row kSwitches[] = {
      {'b', &Request::message_body, true},  {'f', &Request::fold, false},
      {'F', &Request::value_is_file, true}, {'h', &Request::message_headers, true},
      {'i', &Request::incremental, true},   {'j', &Request::json, true},
      {'m', &Request::mime, true},          {'n', &Request::without_null, true},
      {'N', &Request::without_null, false}, {'o', &Request::keep_root, true},
      {'p', &Request::public_mode, true},   {'r', &Request::replace, true},
      {'u', &Request::utf8, false},         {'U', &Request::utf8, true},
      {'w', &Request::keep_silently, true},
  };
  for (const Row& row : kSwitches) {
    if (row.letter != letter) continue;
    out.*row.member = row.value;
    return true;
  }
  return false;
}

}  // namespace

Result<Request> parse_arguments(int argc, char** argv, const Flavour& flavour) {
  Request out;
  std::string list = "+" + std::string(flavour.option_list);
  auto usage = [&] { return permanent("usage: " + std::string(flavour.program) + " " + std::string(flavour.usage)); };
  std::string program(flavour.program);
  argv[0] = program.data();
  int requests = 0, letter;
  while ((letter = getopt(argc, argv, list.c_str())) != -1) {
    if (set_switch(out, letter)) continue;
    if (letter == 'c') {
      out.config_directory = optarg;
    } else if (letter == 'v') {
      ++out.verbose;
    } else if (letter == 'd' || letter == 'q' || letter == 's') {
      if (++requests > 1) return permanent("specify only one of -s -q or -d");
      if (letter == 'd') out.delete_key = optarg;
      if (letter == 'q') out.query_key = optarg;
      out.dump = letter == 's';
    } else {
      return usage();
    }
  }
  out.message_headers = out.message_headers || out.mime;
  for (int i = optind; i < argc; ++i) out.tables.emplace_back(argv[i]);
  if (out.tables.empty()) return usage();
  if ((out.message_body || out.message_headers) && out.query_key != "-") {
    return permanent("specify -b -h or -m only with \"-q -\"");
  }
  return out;
}

}  // namespace umaya::postmap
