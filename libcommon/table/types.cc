#include "libcommon/table/types.h"

#include <sys/stat.h>

#include "libcommon/base/strings.h"

namespace umaya::table {

std::optional<std::string_view> inside_braces(std::string_view s) {
  s = trim(s);
  if (s.size() < 2 || s.front() != '{' || s.back() != '}') return {};
  int depth = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '{') ++depth;
    if (s[i] == '}' && --depth == 0 && i + 1 != s.size()) return {};
  }
  if (depth != 0) return {};
  return trim(s.substr(1, s.size() - 2));
}

Result<std::vector<std::string>> braced_list(std::string_view type, std::string_view name, std::string_view syntax) {
  auto inner = inside_braces(name);
  std::vector<std::string> out;
  if (inner) {
    for (std::string_view element : split_list(*inner)) {
      out.emplace_back(element.front() == '{' ? inside_braces(element).value_or(element) : element);
    }
  }
  if (out.empty()) {
    std::string prefix = std::string(type) + ":";
    return permanent("bad syntax: \"" + prefix + std::string(name) + "\"; need \"" + prefix + "{" +
                     std::string(syntax) + "...}\"");
  }
  return out;
}

FileIdentity FileIdentity::of(const std::string& path) {
  FileIdentity out;
  struct stat st {};
  if (stat(path.c_str(), &st) != 0) return out;
  out.device_ = st.st_dev;
  out.inode_ = st.st_ino;
  out.size_ = static_cast<uint64_t>(st.st_size);
  out.modified_sec_ = st.st_mtim.tv_sec;
  out.modified_nsec_ = st.st_mtim.tv_nsec;
  return out;
}

}  // namespace umaya::table
