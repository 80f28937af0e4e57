#include "libcommon/auth/auth_wire.h"

#include <string.h>

namespace umaya::auth {

namespace {

void escape(std::string_view text, std::string& out) {
  for (char c : text) {
    switch (c) {
      case '\0':
        out += "\0010";
        break;
      case '\001':
        out += "\0011";
        break;
      case '\t':
        out += "\001t";
        break;
      case '\r':
        out += "\001r";
        break;
      case '\n':
        out += "\001l";
        break;
      default:
        out += c;
        break;
    }
  }
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\001' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case '0':
        out += '\0';
        break;
      case '1':
        out += '\001';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case 'l':
        out += '\n';
        break;
      default:
        out += text[i];
        break;
    }
  }
  return out;
}

}  // namespace

AuthLine AuthLine::parse(std::string_view line) {
  size_t tab = line.find('\t');
  AuthLine result(unescape(line.substr(0, tab)));
  while (tab != std::string_view::npos) {
    line.remove_prefix(tab + 1);
    tab = line.find('\t');
    result.fields_.push_back(unescape(line.substr(0, tab)));
  }
  return result;
}

std::optional<std::string_view> AuthLine::value(std::string_view name, size_t from) const {
  for (size_t i = from + 1; i < fields_.size(); ++i) {
    std::string_view field = fields_[i];
    if (!field.starts_with(name)) continue;
    if (field.size() == name.size()) return std::string_view();
    if (field[name.size()] == '=') return field.substr(name.size() + 1);
  }
  return std::nullopt;
}

std::string AuthLine::text() const {
  std::string out;
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (i > 0) out += '\t';
    escape(fields_[i], out);
  }
  return out + '\n';
}

void AuthLine::wipe() {
  for (std::string& field : fields_) explicit_bzero(field.data(), field.size());
}

}  // namespace umaya::auth
