#include "named-lite/statistics/http_request.h"

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

constexpr size_t kMostFields = 64;

bool is_token(char c) {
  return ascii_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool all_tokens(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token);
}

/// RFC 9112 3: a target has no blanks and no controls.
bool is_target(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

void HttpRequestReader::request_line(std::string_view line) {
  size_t first = line.find(' ');
  size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last <= first + 1) return fail(400);
  std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, last - first - 1);
  std::string_view version = line.substr(last + 1);
  if (!all_tokens(method) || !is_target(target)) return fail(400);
  if (!version.starts_with("HTTP/") || version.size() != 8) return fail(400);
  is_1_0_ = version == "HTTP/1.0";
  if (!is_1_0_ && version != "HTTP/1.1") return fail(505);
  request_.close = is_1_0_;
  request_.head = method == "HEAD";
  if (method != "GET" && method != "HEAD") return fail(501);
  if (istarts_with(target, "http://")) {  // RFC 9112 3.2.2
    size_t path = target.find('/', 7);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  if (!target.starts_with('/')) return fail(400);
  request_.path = target.substr(0, target.find('?'));
}

void HttpRequestReader::field(std::string_view line) {
  if (++fields_ > kMostFields) return fail(431);
  size_t colon = line.find(':');
  // RFC 9112 5.1, 5.2: no blank before the colon, no folded lines.
  if (colon == std::string_view::npos || !all_tokens(line.substr(0, colon))) return fail(400);
  std::string_view name = line.substr(0, colon);
  std::string_view value = trim(line.substr(colon + 1));
  if (iequals(name, "Host")) {
    if (has_host_) return fail(400);
    has_host_ = true;
  } else if (iequals(name, "Transfer-Encoding")) {
    return fail(400);
  } else if (iequals(name, "Content-Length")) {
    if (value != "0") return fail(413);
  } else if (iequals(name, "Connection")) {
    for (std::string_view each : split_list(value)) {
      if (iequals(each, "close")) request_.close = true;
    }
  }
}

void HttpRequestReader::take(std::string_view line) {
  if (state_ != State::more) return;
  if (line.size() > kMostLine || !line.ends_with('\n')) return fail(431);
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos) return fail(400);
  if (first_) {
    if (line.empty() && ++fields_ < 4) return;  // RFC 9112 2.2: empty lines before a request
    first_ = false;
    fields_ = 0;
    return request_line(line);
  }
  if (!line.empty()) return field(line);
  if (!has_host_ && !is_1_0_) return fail(400);
  state_ = State::done;
}

std::string_view http_reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

}  // namespace umaya::named
