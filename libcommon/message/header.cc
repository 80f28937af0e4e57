#include "libcommon/message/header.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "libcommon/base/strings.h"

namespace umaya::message {

std::optional<std::string_view> header_name(std::string_view line) {
  size_t n = 0;
  while (n < line.size() && static_cast<unsigned char>(line[n]) > ' ' && line[n] != ':' && line[n] != 127) ++n;
  size_t colon = n;
  while (colon < line.size() && (line[colon] == ' ' || line[colon] == '\t')) ++colon;
  if (n == 0 || colon >= line.size() || line[colon] != ':') return {};
  return line.substr(0, n);
}

std::optional<Header> split_header(std::string_view raw) {
  auto name = header_name(raw);
  if (!name) return {};
  size_t colon = raw.find(':');
  return Header{*name, raw.substr(colon + 1), raw};
}

std::string unfold(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  size_t i = 0;
  while (i < value.size()) {
    if (value[i] != '\r' && value[i] != '\n') {
      out.push_back(value[i++]);
      continue;
    }
    while (i < value.size() && ascii_space(value[i])) ++i;
    out.push_back(' ');
  }
  return std::string(trim(out));
}

std::string rename_header(const Header& header, std::string_view new_name) {
  return std::string(new_name).append(":").append(header.value);
}

std::optional<std::string> find_header(std::string_view content, std::string_view name) {
  std::optional<std::string> found;
  HeaderScanner scanner;
  auto match = [&](const Header& h) {
    if (!found && iequals(h.name, name)) found = unfold(h.value);
  };
  scanner.feed(content, match);
  scanner.finish(match);
  return found;
}

size_t HeaderScanner::take_line(std::string_view bytes) {
  const void* end = std::memchr(bytes.data(), '\n', bytes.size());
  size_t n = end ? static_cast<const char*>(end) - bytes.data() + 1 : bytes.size();
  size_t room = limits_.header_size + 2 - std::min(line_.size(), limits_.header_size);
  size_t keep = std::min(n, room);
  line_.append(bytes.substr(0, keep));
  dropped_ += n - keep;
  line_complete_ = end != nullptr;
  return n;
}

static std::string_view without_line_end(std::string_view line) {
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool HeaderScanner::ends_current() const {
  return line_.empty() || current_.empty() || (line_[0] != ' ' && line_[0] != '\t');
}

void HeaderScanner::start_or_continue() {
  std::string_view text = without_line_end(line_);
  bool continues = !current_.empty();
  if (!continues && text.empty()) {
    done_ = true;
    separator_ = Separator::empty_line;
  } else if (!continues && !header_name(text)) {
    done_ = true;
    separator_ = Separator::body_line;
    body_start_ = std::move(line_);
  } else {
    if (continues && current_.size() < limits_.header_size) current_.append("\r\n");
    size_t room = limits_.header_size - std::min(current_.size(), limits_.header_size);
    current_.append(text.substr(0, room));
    dropped_ += text.size() - std::min(text.size(), room);
  }
  line_.clear();
  line_complete_ = false;
}

}  // namespace umaya::message
