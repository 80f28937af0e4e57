#include "libcommon/queue/bounce_log.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/lock.h"
#include "libcommon/queue/checksum.h"

namespace umaya::queue {
namespace {

constexpr size_t kMaxRecord = 64 * 1024;
constexpr std::string_view kEnd = "end=";

void put(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += name;
  out += '=';
  for (char c : value) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c != '\0') {
      out += c;
    }
  }
  out += '\n';
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char c = text[++i];
    out += c == 'n' ? '\n' : c == 'r' ? '\r' : c;
  }
  return out;
}

void set(BounceRecord& record, std::string_view name, std::string_view value) {
  struct Row {
    std::string_view name;
    std::string* field;
  };
  const Row rows[] = {{"recipient", &record.recipient.address},
                      {"original_recipient", &record.recipient.original},
                      {"dsn_orig_rcpt", &record.recipient.dsn_original},
                      {"status", &record.status},
                      {"action", &record.action},
                      {"diag_type", &record.diag_type},
                      {"diag_text", &record.diag_text},
                      {"mta_type", &record.mta_type},
                      {"mta_name", &record.mta_name},
                      {"reason", &record.reason}};
  for (const Row& row : rows) {
    if (row.name == name) *row.field = unescape(value);
  }
  if (name == "offset") record.offset = parse_uint(value).value_or(0);
  if (name == "notify_flags") record.recipient.notify = static_cast<uint8_t>(parse_uint(value).value_or(0) & 15);
}

/// The record in the lines, whose last is the end line; nothing when the checksum is wrong.
std::optional<BounceRecord> parse(std::string_view lines) {
  size_t end = lines.rfind('\n', lines.size() - 2);
  end = end == std::string_view::npos ? 0 : end + 1;
  std::string_view last = lines.substr(end);
  if (!last.starts_with(kEnd)) return std::nullopt;
  last = last.substr(kEnd.size(), last.size() - kEnd.size() - 1);
  std::string_view body = lines.substr(0, end);
  uint32_t checksum = 0;
  auto [stop, error] = std::from_chars(last.data(), last.data() + last.size(), checksum, 16);
  if (error != std::errc() || stop != last.data() + last.size() || last.size() != 8) return std::nullopt;
  if (checksum != crc32c(body)) return std::nullopt;
  BounceRecord record;
  while (!body.empty()) {
    std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(line.size() + 1);
    size_t equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    set(record, line.substr(0, equals), line.substr(equals + 1));
  }
  return record;
}

}  // namespace

std::string encode_bounce_record(const BounceRecord& record) {
  std::string out;
  put(out, "recipient", record.recipient.address.empty() ? "<>" : record.recipient.address);
  put(out, "original_recipient", record.recipient.original);
  put(out, "offset", std::to_string(record.offset));
  put(out, "dsn_orig_rcpt", record.recipient.dsn_original);
  put(out, "notify_flags", std::to_string(record.recipient.notify));
  put(out, "status", record.status);
  put(out, "action", record.action);
  put(out, "diag_type", record.diag_type);
  put(out, "diag_text", record.diag_text);
  put(out, "mta_type", record.mta_type);
  put(out, "mta_name", record.mta_name);
  put(out, "reason", record.reason);
  out += fmt::format("{}{:08x}\n\n", kEnd, crc32c(out));
  return out;
}

std::optional<BounceRecord> BounceLogReader::next() {
  while (!rest_.empty()) {
    if (rest_.front() == '\n') {
      rest_.remove_prefix(1);
      continue;
    }
    // A record ends with an empty line; one that was torn off has none, or is followed by a whole one.
    size_t end = rest_.find("\n\n");
    if (end == std::string_view::npos) {
      ++damaged_;
      rest_ = {};
      break;
    }
    std::string_view lines = rest_.substr(0, end + 1);
    rest_.remove_prefix(end + 2);
    if (lines.size() <= kMaxRecord) {
      if (auto record = parse(lines)) return record;
      // Torn in the middle, a record without end line runs into the next: that one starts at its own first line.
      for (size_t at = lines.rfind("\nrecipient="); at != std::string_view::npos && at > 0;
           at = lines.rfind("\nrecipient=", at - 1)) {
        if (auto record = parse(lines.substr(at + 1))) {
          ++damaged_;
          return record;
        }
      }
    }
    ++damaged_;
  }
  return std::nullopt;
}

Result<> append_bounce_records(const std::string& path, std::span<const BounceRecord> records) {
  std::string text;
  for (const BounceRecord& record : records) text += encode_bounce_record(record);
  UMAYA_TRY(Fd fd, fs::open_or_create(path, 0600));
  UMAYA_CHECK(fs::lock(fd.get(), fs::LockKind::flock));
  struct stat status;
  if (::fstat(fd.get(), &status) < 0) return sys_error("fstat " + path);
  uint64_t size = static_cast<uint64_t>(status.st_size);
  if (size > 0) {  // what a power cut tore off must not run into our first line
    char last[2] = {'\n', '\n'};
    UMAYA_TRY(size_t got, fs::read_at(fd.get(), last, size >= 2 ? size - 2 : 0));
    if (got != 2 || last[0] != '\n' || last[1] != '\n') text.insert(0, "\n\n");
  }
  Result<> written = fs::write_all(fd.get(), text);
  if (written) written = fs::sync(fd.get());
  if (written && size == 0) written = fs::sync_directory(fs::parent_directory(path));
  if (!written) {
    [[maybe_unused]] auto cut_back = fs::truncate(fd.get(), size);
    written.error().what = path + ": " + written.error().what;
  }
  return written;
}

}  // namespace umaya::queue
