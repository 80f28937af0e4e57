#include "named-lite/transfer/zone_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "libcommon/base/clock.h"
#include "libcommon/fs/file.h"
#include "named-lite/dns/types.h"
#include "named-lite/dns/wire.h"
#include "named-lite/zone/record_text.h"

namespace umaya::named {

std::string zone_path(const std::string& directory, const std::string& file) {
  if (file.empty() || file.starts_with('/')) return file;
  return directory + "/" + file;
}

Result<> write_zone_file(const std::string& path, const RecordList& records, ZoneFileKind kind) {
  if (path.empty()) return {};
  std::string text = "; " + records.apex().text() +
                     (kind == ZoneFileKind::secondary
                          ? ", as transferred from its primary: changes made here are lost\n"
                          : ", written by named-lite, which updates it: freeze the zone to make changes here\n");
  text += "$ORIGIN " + records.apex().text() + "\n";
  for (const Record& record : records.records()) {
    text += relative_text(records.owner(record), records.apex());
    text += ' ' + std::to_string(record.ttl) + " IN " + type_text(record.type) + ' ';
    text += rdata_text(record.type, records.rdata(record), records.apex());
    text += '\n';
  }
  return fs::replace_file(path, text, 0644);
}

int64_t file_time(const std::string& path) {
  struct stat status {};
  return !path.empty() && ::stat(path.c_str(), &status) == 0 ? status.st_mtim.tv_sec : 0;
}

void touch_file(const std::string& path, int64_t seconds_ago) {
  timespec then{wall_seconds() - seconds_ago, 0};
  timespec times[2] = {then, then};
  if (!path.empty()) ::utimensat(AT_FDCWD, path.c_str(), times, 0);
}

SoaTimes soa_times(const ZoneImage& image) {
  std::string_view data = image.data(*image.apex().find(type::kSoa));
  auto number = [&](size_t from_end) { return be32_at(data, data.size() - from_end); };
  return {number(16), number(12), number(8)};
}

}  // namespace umaya::named
