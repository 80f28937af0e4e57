#include "named-lite/server/bind_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "named-lite/dns/wire.h"
#include "named-lite/dns/wire_record.h"
#include "named-lite/transfer/zone_file.h"

namespace umaya::named {

namespace {

constexpr std::string_view kMark = ";BIND LOG V9";  // and what is behind it differs between versions
constexpr size_t kEndSerial = 24;                   // behind the mark's 16 octets, and the begin's serial and place
constexpr size_t kHead = 64;

}  // namespace

std::optional<uint32_t> end_of_bind_journal(std::string_view head) {
  if (head.size() < kHead || !head.starts_with(kMark)) return std::nullopt;
  return be32_at(head, kEndSerial);
}

std::string bind_journal_path(const NamedConf& conf, const ZoneConf& zone) {
  if (zone.file.empty() && zone.journal.empty()) return {};
  return zone_path(conf.directory, zone.journal.empty() ? zone.file + ".jnl" : zone.journal);
}

std::optional<uint32_t> unwritten_by_bind(const NamedConf& conf, const ZoneConf& zone, uint32_t serial_of_file) {
  const std::string path = bind_journal_path(conf, zone);
  Fd file(path.empty() ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return std::nullopt;
  char head[kHead];
  ssize_t size = ::pread(file.get(), head, sizeof head, 0);
  auto end = end_of_bind_journal({head, size > 0 ? static_cast<size_t>(size) : 0});
  return end && serial_is_newer(*end, serial_of_file) ? end : std::nullopt;
}

}  // namespace umaya::named
