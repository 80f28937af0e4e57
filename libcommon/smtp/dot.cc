#include "libcommon/smtp/dot.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace umaya::smtp {

static constexpr std::string_view kCrLf = "\r\n";

static size_t find_byte(std::string_view in, size_t from, char c) {
  const void* at = std::memchr(in.data() + from, c, in.size() - from);
  return at ? static_cast<size_t>(static_cast<const char*>(at) - in.data()) : in.size();
}

void DotDecoder::count_bare_cr(std::string_view run) {
  if (!run.empty() && run.back() == '\r') run.remove_suffix(1);
  for (size_t i = 0; i < run.size(); ++i) {
    i = find_byte(run, i, '\r');
    if (i == run.size()) return;
    ++findings_.bare_cr;
    options_.lf_ends_text = false;
  }
}

void DotDecoder::end_line(bool crlf) {
  state_ = State::line_start;
  after_crlf_ = crlf;
  if (crlf) {
    options_.lf_ends_text = false;
  } else {
    ++findings_.bare_lf;
  }
}

size_t DotDecoder::feed(std::string_view in, PieceSink sink) {
  if (in.empty()) return 0;
  if (find_byte(in, 0, '\0') != in.size()) findings_.nul = true;
  size_t i = 0;
  while (i < in.size() && state_ != State::done) {
    if (state_ == State::line_start || state_ == State::text) {
      i = text(in, i, i, sink);
    } else if (state_ == State::text_cr) {
      if (in[i] == '\n') {
        sink(kCrLf);
        ++i;
        end_line(true);
      } else {
        sink(kCrLf.substr(0, 1));
        ++findings_.bare_cr;
        options_.lf_ends_text = false;
        state_ = State::text;
      }
    } else {
      after_dot(in[i], i, sink);
    }
  }
  return i;
}

/// Lines from i on, up to the end of in or to a dot at the start of a line; [begin, i) waits to be given out.
size_t DotDecoder::text(std::string_view in, size_t begin, size_t i, PieceSink sink) {
  auto give = [&](size_t end) {
    if (end > begin) sink(in.substr(begin, end - begin));
  };
  while (i < in.size()) {
    if (state_ == State::line_start && in[i] == '.') {
      give(i);
      state_ = State::dot;
      return i + 1;
    }
    size_t lf = find_byte(in, i, '\n');
    count_bare_cr(in.substr(i, lf - i));
    bool cr = lf > i && in[lf - 1] == '\r';
    if (lf == in.size()) {
      state_ = cr ? State::text_cr : State::text;
      give(cr ? lf - 1 : lf);
      return lf;
    }
    i = lf + 1;
    if (!cr) {
      give(lf);
      sink(kCrLf);
      begin = i;
    }
    end_line(cr);
  }
  give(i);
  return i;
}

/// A dot at the start of a line, perhaps with a CR, was dropped: c is what follows.
void DotDecoder::after_dot(char c, size_t& i, PieceSink sink) {
  if (state_ == State::dot) {
    if (c == '\r') {
      ++i;
      state_ = State::dot_cr;
    } else if (c == '\n' && options_.lf_ends_text) {
      ++i;
      state_ = State::done;
    } else {
      state_ = State::text;
    }
    return;
  }
  if (c != '\n') {
    sink(kCrLf.substr(0, 1));
    ++findings_.bare_cr;
    options_.lf_ends_text = false;
    state_ = State::text;
    return;
  }
  ++i;
  if (after_crlf_) {
    state_ = State::done;
    return;
  }
  sink(kCrLf);
  end_line(true);
}

void DotEncoder::feed(std::string_view in, PieceSink sink) {
  size_t begin = 0;  // of what can go out unchanged
  size_t i = 0;
  if (held_cr_ && !in.empty()) {
    held_cr_ = false;
    if (in[0] == '\n') {
      sink(kCrLf);
      column_ = 0;
      begin = i = 1;
    } else {
      run("\r", sink);
    }
  }
  auto give = [&](size_t end) {
    if (end > begin) sink(in.substr(begin, end - begin));
    begin = end;
  };
  while (i < in.size()) {
    size_t lf = find_byte(in, i, '\n');
    bool cr = lf > i && in[lf - 1] == '\r';
    size_t end = cr ? lf - 1 : lf;  // of the line's text
    std::string_view text = in.substr(i, end - i);
    bool bare_cr = options_.bare_cr == BareCr::blank && find_byte(text, 0, '\r') != text.size();
    bool dot = column_ == 0 && !text.empty() && text[0] == '.' && options_.dots == Dots::stuffed;
    bool too_long = options_.line_limit != 0 && column_ + text.size() > options_.line_limit;
    if (bare_cr || too_long || dot) {
      give(i);
      run(text, sink);
      begin = end;
    } else {
      column_ += text.size();
    }
    if (lf == in.size()) {
      give(end);
      held_cr_ = cr;
      return;
    }
    if (!cr) {
      give(end);
      sink(kCrLf);
      begin = lf + 1;
    }
    column_ = 0;
    i = lf + 1;
  }
  give(i);
}

void DotEncoder::run(std::string_view text, PieceSink sink) {
  if (column_ == 0 && !text.empty() && text[0] == '.' && options_.dots == Dots::stuffed) sink(text.substr(0, 1));
  if (options_.bare_cr == BareCr::keep) return limited(text, sink);
  while (!text.empty()) {
    size_t cr = find_byte(text, 0, '\r');
    limited(text.substr(0, cr), sink);
    if (cr == text.size()) return;
    limited(" ", sink);
    text.remove_prefix(cr + 1);
  }
}

void DotEncoder::limited(std::string_view text, PieceSink sink) {
  size_t limit = options_.line_limit;
  while (limit != 0 && column_ + text.size() > limit) {
    size_t n = limit - std::min(column_, limit);
    // Not within a UTF-8 character.
    for (int back = 0; back < 3 && n > 1 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80; ++back) --n;
    if (n > 0) sink(text.substr(0, n));
    sink("\r\n ");
    column_ = 1;
    text.remove_prefix(n);
  }
  if (text.empty()) return;
  sink(text);
  column_ += text.size();
}

void DotEncoder::finish(PieceSink sink) {
  if (std::exchange(held_cr_, false)) run("\r", sink);
  if (column_ != 0) sink(kCrLf);
  column_ = 0;
  if (options_.dots == Dots::stuffed) sink(".\r\n");
}

}  // namespace umaya::smtp
