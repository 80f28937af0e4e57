#include "libcommon/table/source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "libcommon/base/fd.h"
#include "libcommon/base/strings.h"
#include "libcommon/message/tokens.h"

namespace umaya::table {
namespace {

bool is_blank_or_comment(std::string_view line) {
  auto first = std::find_if_not(line.begin(), line.end(), ascii_space);
  return first == line.end() || *first == '#';
}

/// Where the key ends: the first white space outside quotes. Nothing when a quote is left open.
std::optional<size_t> key_end(std::string_view line) {
  bool quoted = false;
  size_t at = 0;
  for (; at < line.size(); ++at) {
    if (line[at] == '\\') {
      if (++at == line.size()) break;
    } else if (ascii_space(line[at]) && !quoted) {
      break;
    } else if (line[at] == '"') {
      quoted = !quoted;
    }
  }
  if (quoted) return {};
  return at;
}

bool starts_with_space(const SourceLine& line, const SourceHandlers& handlers) {
  if (line.text.empty() || !ascii_space(line.text.front())) return false;
  bool is_long = line.text.size() > 30;
  handlers.on_problem(line.first, "logical line must not start with whitespace: \"" + line.text.substr(0, 30) +
                                      (is_long ? "..." : "") + "\"");
  return true;
}

bool has_text_problem(const SourceLine& line, const SourceHandlers& handlers) {
  if (valid_utf8(line.text)) return false;
  handlers.on_problem(line.first, "non-UTF-8 input \"" + line.text + "\" -- ignoring this line");
  return true;
}

void read_map_line(SourceLine line, const SourceHandlers& handlers) {
  auto end = key_end(line.text);
  if (!end) {
    handlers.on_problem(line.first, "unbalanced '\"' in '" + line.text + "' -- ignoring this line");
    return;
  }
  std::string key = line.text.substr(0, *end);
  std::string value{trim(std::string_view(line.text).substr(std::min(*end, line.text.size())))};
  if (key.empty() || value.empty()) {
    handlers.on_problem(line.first, "expected format: key whitespace value");
    return;
  }
  if (key.back() == ':') {
    handlers.on_problem(line.first, "record is in \"key: value\" format; is this an alias file?");
  }
  handlers.on_entry({std::move(key), std::move(value), line.first});
}

void read_alias_line(const SourceLine& line, const SourceHandlers& handlers) {
  using Iterator = message::Tokens::const_iterator;
  auto tokens = message::scan_tokens(line.text, SIZE_MAX);
  if (tokens.empty()) return;
  auto is = [](char c) { return [c](const message::Token& t) { return t.is(c); }; };
  Iterator colon = std::find_if(tokens.cbegin(), tokens.cend(), is(':'));
  if (colon == tokens.cend() || colon == tokens.cbegin() || colon + 1 == tokens.cend() ||
      std::find_if(tokens.cbegin(), colon, is(',')) != colon) {
    handlers.on_problem(line.first, "need name:value pair");
    return;
  }
  if (std::any_of(tokens.cbegin(), colon, [](const message::Token& t) { return t.is('@') || t.is('%'); })) {
    handlers.on_problem(line.first, "name must be local");
    return;
  }
  handlers.on_entry(
      {message::internal_form(tokens.cbegin(), colon), message::external_form(colon + 1, tokens.cend()), line.first});
}

}  // namespace

std::string_view LogicalLines::physical_line() {
  size_t end = std::min(text_.find('\n', at_), text_.size());
  std::string_view line = text_.substr(at_, end - at_);
  at_ = std::min(end + 1, text_.size());
  ++number_;
  return line;
}

std::optional<SourceLine> LogicalLines::next() {
  SourceLine out;
  while (at_ < text_.size()) {
    std::string_view line = physical_line();
    if (is_blank_or_comment(line)) line = {};
    if (!line.empty() && out.text.empty()) out.first = number_;
    if (!line.empty()) out.last = number_;
    out.text += line;
    if (out.text.empty()) continue;
    if (at_ == text_.size() || (text_[at_] != '#' && !ascii_space(text_[at_]))) break;
  }
  if (out.text.empty()) return {};
  return out;
}

void read_map_source(std::string_view text, const SourceHandlers& handlers) {
  LogicalLines lines(text);
  while (auto line = lines.next()) {
    if (starts_with_space(*line, handlers) || has_text_problem(*line, handlers)) continue;
    read_map_line(std::move(*line), handlers);
  }
}

void read_alias_source(std::string_view text, const SourceHandlers& handlers) {
  LogicalLines lines(text);
  while (auto line = lines.next()) {
    if (starts_with_space(*line, handlers) || has_text_problem(*line, handlers)) continue;
    read_alias_line(*line, handlers);
  }
}

Result<std::string> read_source_file(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return sys_error("open " + path);
  std::string out;
  struct stat st {};
  if (fstat(fd.get(), &st) == 0 && S_ISREG(st.st_mode)) out.reserve(static_cast<size_t>(st.st_size) + 1);
  char block[65536];
  for (;;) {
    ssize_t got = read(fd.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sys_error("read " + path);
    if (got == 0) return out;
    out.append(block, static_cast<size_t>(got));
  }
}

}  // namespace umaya::table
