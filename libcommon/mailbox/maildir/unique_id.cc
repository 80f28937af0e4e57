#include "libcommon/mailbox/maildir/unique_id.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/mailbox/digest.h"
#include "libcommon/mailbox/maildir/file_name.h"

namespace umaya::mailbox {

namespace {

constexpr size_t kMostFormat = 200;
constexpr uint64_t kMostWidth = 70;

std::unexpected<Error> not_a_format(std::string_view format, std::string_view why) {
  return permanent("UIDL format \"" + printable(format) + "\": " + std::string(why));
}

}  // namespace

bool is_unique_id(std::string_view text) {
  return !text.empty() && text.size() <= kMostUniqueId &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

Result<UniqueIdFormat> UniqueIdFormat::parse(std::string_view format, Name name) {
  if (format.size() > kMostFormat) return not_a_format(format.substr(0, 20), "is too long");
  UniqueIdFormat made(name);
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      made.add_literal(format[at]);
    } else if (at + 1 < format.size() && format[at + 1] == '{') {
      size_t end = format.find('}', at);
      if (end == format.npos) return not_a_format(format, "a } is missing");
      UMAYA_CHECK(made.add_long(format.substr(at + 2, end - at - 2)));
      at = end;
    } else {
      UMAYA_CHECK(made.add_short(format, at));
    }
  }
  bool tells_apart = std::any_of(made.pieces_.begin(), made.pieces_.end(), [](const Piece& piece) {
    return piece.value == Value::uid || piece.value == Value::file_name;
  });
  if (!tells_apart) return not_a_format(format, "does not tell messages apart; use %u or %f");
  return made;
}

void UniqueIdFormat::add_literal(char c) {
  if (pieces_.empty() || pieces_.back().value != Value::literal) pieces_.emplace_back();
  pieces_.back().text += c;
}

/// at: of the '%'; left at the last octet that was used.
Result<void> UniqueIdFormat::add_short(std::string_view format, size_t& at) {
  Piece piece;
  size_t i = at + 1;
  piece.zeros = i < format.size() && format[i] == '0';
  uint64_t width = 0;
  for (; i < format.size() && ascii_digit(format[i]); ++i) {
    width = std::min(width * 10 + static_cast<uint64_t>(format[i] - '0'), kMostWidth);
  }
  piece.width = static_cast<uint8_t>(width);
  for (; i < format.size() && (format[i] == 'X' || format[i] == 'L' || format[i] == 'U'); ++i) {
    if (format[i] == 'X') piece.hex = true;
    if (format[i] != 'X') piece.upper = format[i] == 'U';
  }
  char letter = i < format.size() ? format[i] : '\0';
  at = i;
  if (letter == '%') {
    add_literal('%');
    return {};
  }
  if (letter == 'u') {
    piece.value = Value::uid;
  } else if (letter == 'v') {
    piece.value = Value::uid_validity;
  } else if (letter == 'f' || letter == 'g') {
    piece.value = Value::file_name;
  } else {
    return not_a_format(format, "only %u, %v, %f, %g and %% are known");
  }
  pieces_.push_back(std::move(piece));
  return {};
}

Result<void> UniqueIdFormat::add_long(std::string_view inside) {
  std::string_view name = trim(inside.substr(0, inside.find('|')));
  std::string_view how = name.size() < inside.size() ? inside.substr(std::min(inside.find('|'), inside.size())) : "";
  how = trim(how.starts_with('|') ? how.substr(1) : how);
  Piece piece;
  if (name == "uid") {
    piece.value = Value::uid;
  } else if (name == "uidvalidity") {
    piece.value = Value::uid_validity;
  } else if (name == "filename" || name == "guid") {
    piece.value = Value::file_name;
  } else {
    return not_a_format(inside, "only uid, uidvalidity, filename and guid are known");
  }
  if (how == "hex") {
    piece.hex = true;
  } else if (how.starts_with("hex(") && how.ends_with(')')) {
    auto width = parse_uint(how.substr(4, how.size() - 5));
    if (!width || *width > kMostWidth) return not_a_format(inside, "the width is wrong");
    piece.hex = piece.zeros = true;
    piece.width = static_cast<uint8_t>(*width);
  } else if (!how.empty()) {
    return not_a_format(inside, "only hex and hex(WIDTH) are known");
  }
  pieces_.push_back(std::move(piece));
  return {};
}

std::string UniqueIdFormat::make(const Message& message) const {
  std::string id;
  for (const Piece& piece : pieces_) {
    if (piece.value == Value::literal) {
      id += piece.text;
    } else if (piece.value == Value::file_name) {
      id += name_ == Name::base ? maildir_base(message.file_name) : maildir_id(message.file_name);
    } else {
      uint32_t number = piece.value == Value::uid ? message.uid : message.uid_validity;
      std::string digits = fmt::format(fmt::runtime(piece.hex ? piece.upper ? "{:X}" : "{:x}" : "{}"), number);
      if (digits.size() < piece.width) digits.insert(0, piece.width - digits.size(), piece.zeros ? '0' : ' ');
      id += digits;
    }
  }
  return is_unique_id(id) ? id : short_digest(maildir_base(message.file_name));
}

bool UniqueIdFormat::needs_uid() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) {
    return piece.value == Value::uid || piece.value == Value::uid_validity;
  });
}

}  // namespace umaya::mailbox
