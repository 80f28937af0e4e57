#include "queue-manager/site_log.h"

#include <set>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/queue/queue_id.h"

namespace umaya::qmgr {
namespace {

constexpr size_t kMostBytes = kMostIds * (queue::kMaxIdSize + 1);

Result<Fd> open_log(const std::string& directory, std::string_view site) {
  std::string name = site_file_name(site);
  if (name.empty()) return permanent("bad site name \"" + std::string(site) + "\"");
  UMAYA_TRY(Fd fd, fs::open_or_create(directory + "/" + name, 0600));
  UMAYA_CHECK(fs::lock(fd.get(), fs::LockKind::flock));
  return fd;
}

}  // namespace

std::string site_file_name(std::string_view site) {
  if (site.size() >= 2 && site.front() == '[' && site.back() == ']') site = site.substr(1, site.size() - 2);
  if (site.empty() || site.size() > 253) return {};
  std::string name;
  for (char c : site) {
    if (c == '/' || static_cast<unsigned char>(c) <= ' ' || c == 127) return {};
    name += ascii_alnum(c) || c == '-' ? ascii_lower(c) : '_';
  }
  return name;
}

std::vector<std::string> parse_site_log(std::string_view text) {
  std::vector<std::string> ids;
  std::set<std::string_view> seen;
  for (std::string_view line : split(text, "\n")) {
    if (queue::valid_id(line) && ids.size() < kMostIds && seen.insert(line).second) ids.emplace_back(line);
  }
  return ids;
}

Result<> add_to_site_log(const std::string& directory, std::string_view site, std::string_view queue_id) {
  if (!queue::valid_id(queue_id)) return permanent("bad queue id");
  UMAYA_TRY(Fd fd, open_log(directory, site));
  UMAYA_TRY(std::string text, fs::read_all(fd.get(), kMostBytes));
  std::string line = std::string(queue_id) + "\n";
  if (text.starts_with(line) || text.find("\n" + line) != std::string::npos) return {};
  if (text.size() + line.size() > kMostBytes) return temporary("the log of the site is full");
  return fs::write_all(fd.get(), line);
}

Result<std::vector<std::string>> take_site_log(const std::string& directory, std::string_view site) {
  UMAYA_TRY(Fd fd, open_log(directory, site));
  UMAYA_TRY(std::string text, fs::read_all(fd.get(), kMostBytes));
  UMAYA_CHECK(fs::truncate(fd.get(), 0));
  return parse_site_log(text);
}

}  // namespace umaya::qmgr
