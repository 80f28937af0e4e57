#include <unistd.h>

#include "commands/postmap/map_command.h"

namespace umaya::postmap {

Result<Request> parse_arguments(int argc, char** argv, const Flavour& flavour) {
  Request out;
  std::string list = "+" + std::string(flavour.option_list);
  auto usage = [&] { return permanent("usage: " + std::string(flavour.program) + " " + std::string(flavour.usage)); };
  auto once = [&] { return permanent("specify only one of -s -q or -d"); };
  std::string program(flavour.program);
  argv[0] = program.data();
  int letter;
  while ((letter = getopt(argc, argv, list.c_str())) != -1) {
    switch (letter) {
      case 'b':
        out.message_body = true;
        break;
      case 'c':
        out.config_directory = optarg;
        break;
      case 'd':
        if (out.dump || out.query_key || out.delete_key) return once();
        out.delete_key = optarg;
        break;
      case 'f':
        out.fold = false;
        break;
      case 'F':
        out.value_is_file = true;
        break;
      case 'h':
        out.message_headers = true;
        break;
      case 'i':
        out.incremental = true;
        break;
      case 'j':
        out.json = true;
        break;
      case 'm':
        out.mime = out.message_headers = true;
        break;
      case 'n':
        out.without_null = true;
        break;
      case 'N':
        out.without_null = false;
        break;
      case 'o':
        out.keep_root = true;
        break;
      case 'p':
        out.public_mode = true;
        break;
      case 'q':
        if (out.dump || out.query_key || out.delete_key) return once();
        out.query_key = optarg;
        break;
      case 'r':
        out.replace = true;
        break;
      case 's':
        if (out.query_key || out.delete_key) return once();
        out.dump = true;
        break;
      case 'u':
        out.utf8 = false;
        break;
      case 'U':
        out.utf8 = true;
        break;
      case 'v':
        ++out.verbose;
        break;
      case 'w':
        out.keep_silently = true;
        break;
      default:
        return usage();
    }
  }
  for (int i = optind; i < argc; ++i) out.tables.emplace_back(argv[i]);
  if (out.tables.empty()) return usage();
  if ((out.message_body || out.message_headers) && out.query_key != "-") {
    return permanent("specify -b -h or -m only with \"-q -\"");
  }
  return out;
}

}  // namespace umaya::postmap
