#include "libcommon/config/build_tree.h"

#include <unistd.h>

#include <climits>

namespace umaya::config {

std::optional<std::string> build_tree() {
  char path[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) return {};
  std::string root(path, static_cast<size_t>(size));
  for (int up = 0; up < 2; ++up) root.erase(root.rfind('/') == std::string::npos ? 0 : root.rfind('/'));
  if (root.empty() || access((root + "/CMakeCache.txt").c_str(), F_OK) != 0) return {};
  return root;
}

}  // namespace umaya::config
