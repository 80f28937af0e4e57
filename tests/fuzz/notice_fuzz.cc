// LINK bounce_core
// NAME    notice_fuzz - notices about hostile mail: what strangers wrote adds no header, no part and no field
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bounce/notice.h"
#include "libcommon/base/strings.h"

using namespace umaya;
using namespace umaya::bounce;

namespace {

size_t count_lines(std::string_view text, std::string_view beginning) {
  size_t count = 0;
  for (std::string_view rest = text; !rest.empty();) {
    size_t end = std::min(rest.find("\r\n"), rest.size());
    if (istarts_with(rest.substr(0, end), beginning)) ++count;
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return count;
}

void check(const Notice& notice, const NoticeRequest& request) {
  for (size_t i = 0; i < notice.head.size(); ++i) {
    char c = notice.head[i];
    if (c == '\0' || (c == '\n' && (i == 0 || notice.head[i - 1] != '\r'))) std::abort();
    if (c == '\r' && (i + 1 == notice.head.size() || notice.head[i + 1] != '\n')) std::abort();
  }
  if (!notice.eight_bit && !is_ascii(notice.head)) std::abort();
  if (notice.returned > request.content_size) std::abort();
  if (count_lines(notice.head, "--4F0A1BC23DE.") != 3) std::abort();
  if (count_lines(notice.head, "Final-Recipient:") != request.records.size()) std::abort();
  if (count_lines(notice.head, "Status:") != request.records.size()) std::abort();
  std::string_view headers(notice.head.data(), notice.head.find("\r\n\r\n"));
  for (std::string_view name : {"From:", "To:", "Subject:", "Content-Type:"}) {
    if (count_lines(headers, name) != 1) std::abort();
  }
}

/// The next line of the input, as a field of the request.
std::string next(std::string_view& rest) {
  size_t end = std::min(rest.find('\n'), rest.size());
  std::string line(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

}  // namespace

// Input: one byte that chooses the kind; lines for addresses and texts; then the message.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string folded = fold_text(rest);
  NoticeSettings settings;
  settings.hostname = "mx.example.com";
  settings.origin = "example.com";
  settings.mail_name = "Umaya";
  settings.threaded = true;
  settings.templates = message::default_bounce_templates();
  settings.lookup = [](std::string_view) -> std::optional<std::string> { return "5d"; };
  NoticeRequest request;
  request.kind = static_cast<NoticeKind>(data[0] & 3);
  request.audience = static_cast<Audience>(data[0] >> 2 & 1);
  request.returned = static_cast<Returned>(data[0] >> 3 & 1);
  request.smtputf8 = data[0] & 16;
  request.queue_id = "4F0A1BC23DE";
  request.sender = next(rest);
  request.to = request.sender.empty() ? "postmaster@example.com" : request.sender;
  request.envid = next(rest);
  request.retry_until_seconds = 1;
  for (int i = 0; i < 2; ++i) {
    queue::BounceRecord record;
    record.recipient.address = next(rest);
    record.recipient.original = next(rest);
    record.recipient.dsn_original = next(rest);
    record.status = "5.1.1";
    record.action = "failed";
    record.mta_name = next(rest);
    record.diag_text = next(rest);
    if (data[0] & 32) record.diag_type = "smtp";
    record.reason = next(rest);
    request.records.push_back(std::move(record));
  }
  request.content_head = rest;
  request.content_size = rest.size();
  request.eight_bit = !is_ascii(rest);
  if (header_section_size(rest) > rest.size()) std::abort();
  check(compose_notice(request, settings), request);
  return 0;
}
