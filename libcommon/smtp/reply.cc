#include "libcommon/smtp/reply.h"

#include <fmt/format.h>

#include <utility>

#include "libcommon/base/strings.h"
#include "libcommon/smtp/dsn.h"

namespace umaya::smtp {

int reply_code(std::string_view line) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !ascii_digit(line[1]) || !ascii_digit(line[2])) return 0;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

std::string Reply::one_line() const {
  std::string out = std::to_string(code);
  for (size_t i = 0; i < lines.size(); ++i) {
    out.append(i == 0 ? " " : "; ").append(lines[i]);
  }
  return out;
}

Result<ReplyParser::Step> ReplyParser::add_line(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  int code = reply_code(line);
  if (code == 0) return temporary(fmt::format("malformed reply: {}", printable(line.substr(0, 100))), "4.5.0");
  if (reply_.code != 0 && reply_.code != code) {
    return temporary(fmt::format("reply code changed from {} to {}", reply_.code, code), "4.5.0");
  }
  reply_.code = code;
  bool last = line.size() < 4 || line[3] == ' ';
  std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view{};
  if (reply_.lines.size() >= limits_.lines || bytes_ + text.size() > limits_.bytes) {
    return temporary("reply too long", "4.5.0");
  }
  bytes_ += text.size();
  reply_.lines.push_back(printable(text, true));
  if (!last) return Step::more;
  size_t n = dsn_length(reply_.lines.back());
  if (n > 0 && reply_.lines.back()[0] - '0' == code / 100) reply_.dsn = reply_.lines.back().substr(0, n);
  return Step::done;
}

Reply ReplyParser::take() {
  bytes_ = 0;
  return std::exchange(reply_, {});
}

static void append_text(std::string& out, std::string_view text, Utf8 utf8) {
  bool clean = true;
  for (char c : text) clean = clean && (ascii_print(c) || c == '\t');
  if (clean) {
    out.append(text);
  } else {
    out.append(printable(text, utf8 == Utf8::yes));
  }
}

void append_reply(std::string& out, int code, std::string_view dsn, std::string_view text, Utf8 utf8) {
  char number[4] = {static_cast<char>('0' + code / 100 % 10), static_cast<char>('0' + code / 10 % 10),
                    static_cast<char>('0' + code % 10), 0};
  while (true) {
    size_t end = text.find('\n');
    bool last = end == std::string_view::npos || end + 1 == text.size();
    std::string_view line = text.substr(0, end);
    out.append(number, 3).push_back(last ? ' ' : '-');
    if (!dsn.empty()) out.append(dsn).push_back(' ');
    append_text(out, line, utf8);
    out.append("\r\n");
    if (last) return;
    text.remove_prefix(end + 1);
  }
}

std::string format_reply(int code, std::string_view dsn, std::string_view text) {
  std::string out;
  append_reply(out, code, dsn, text);
  return out;
}

}  // namespace umaya::smtp
