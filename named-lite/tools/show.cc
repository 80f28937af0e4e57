#include "named-lite/tools/show.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace umaya::named {

void show_problems(Problems& problems, std::FILE* where) {
  problems.sort();
  for (const Problem& problem : problems.all()) fmt::print(where, "{}\n", problem.text());
  if (problems.dropped() > 0) fmt::print(where, "{} more problems\n", problems.dropped());
}

int show_usage(std::string_view why, std::string_view usage) {
  if (!why.empty()) fmt::print(stderr, "{}\n", why);
  fmt::print(stderr, "usage: {}\n", usage);
  return why.empty() ? 0 : 2;
}

int show_version() {
  fmt::print("named-lite (Umaya)\n");
  return 0;
}

int show_build() {
  show_version();
  fmt::print("compiled by {} as C++ {}\ndefault paths:\n", __VERSION__, __cplusplus);
  fmt::print("  named configuration: /etc/umaya/named.conf\n  journal: named-lite.journal in `directory`\n");
  fmt::print("  control socket: beside the pid-file, with .ndc in the place of .pid\n");
  return 0;
}

bool change_root(std::string_view directory) {
  std::string path(directory);
  if (::chroot(path.c_str()) == 0 && ::chdir("/") == 0) return true;
  fmt::print(stderr, "-t {}: {}\n", path, strerror(errno));
  return false;
}

}  // namespace umaya::named
