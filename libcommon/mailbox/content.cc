#include "libcommon/mailbox/content.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "libcommon/fs/calls.h"

namespace umaya::mailbox {

namespace {

constexpr std::string_view kFrom = "From ";
constexpr size_t kBlock = 256 * 1024;

}  // namespace

void TextConverter::end_line(std::string& out) {
  begin_body(out);
  out += options_.eol;
  in_start_ = first_byte_ = true;
}

void TextConverter::begin_body(std::string& out) {
  out.append(kFrom.substr(0, matched_));
  matched_ = 0;
  in_start_ = first_byte_ = false;
}

// Looks at the first bytes of a line until it is known whether they need a quote; gives how many were used up.
size_t TextConverter::line_start(std::string_view block, std::string& out) {
  if (first_byte_ && options_.quote_dot && block[0] == '.') out += '.';
  if (!options_.quote_from) {
    begin_body(out);
    return 0;
  }
  first_byte_ = false;
  size_t used = 0;
  while (used < block.size() && in_start_) {
    char c = block[used];
    if (c == '>' && matched_ == 0) {
      out += c;
      ++used;
    } else if (c == kFrom[matched_]) {
      ++used;
      if (++matched_ < kFrom.size()) continue;
      out += '>';
      begin_body(out);
    } else {
      begin_body(out);
    }
  }
  return used;
}

void TextConverter::line_body(std::string_view part, std::string& out) {
  if (part.empty()) return;
  if (held_cr_) {
    held_cr_ = false;
    begin_body(out);
    out += '\r';
  }
  if (part.back() == '\r') {
    held_cr_ = true;
    part.remove_suffix(1);
    if (part.empty()) return;
  }
  if (in_start_) part.remove_prefix(line_start(part, out));
  out.append(part);
}

void TextConverter::feed(std::string_view block, std::string& out) {
  while (!block.empty()) {
    size_t newline = block.find('\n');
    if (newline == std::string_view::npos) return line_body(block, out);
    line_body(block.substr(0, newline), out);
    held_cr_ = false;
    end_line(out);
    block.remove_prefix(newline + 1);
  }
}

void TextConverter::finish(std::string& out) {
  bool open_line = !first_byte_ || held_cr_;
  if (held_cr_) {
    begin_body(out);
    out += '\r';
    held_cr_ = false;
  }
  if (open_line) end_line(out);
}

Result<> copy_content(const ContentSource& source, const TextOptions& options, std::string start,
                      const TextSink& sink) {
  TextConverter converter(options);
  std::string out = std::move(start);
  std::vector<char> block(std::min<uint64_t>(source.size, kBlock));
  uint64_t done = 0;
  while (done < source.size) {
    size_t want = std::min<uint64_t>(block.size(), source.size - done);
    ssize_t n = ::pread(source.fd, block.data(), want, static_cast<off_t>(source.offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("read of the message file");
    if (n == 0) return temporary("the message file is shorter than its head says", "4.3.0");
    converter.feed({block.data(), static_cast<size_t>(n)}, out);
    done += static_cast<uint64_t>(n);
    if (done < source.size) {
      UMAYA_CHECK(sink(out));
      out.clear();
    }
  }
  converter.finish(out);
  return sink(out);
}

Result<> write_all(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    ssize_t n = fs::calls().write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error(what);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace umaya::mailbox
