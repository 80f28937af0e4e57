// Prints entries of master.cf in the columns of postconf -M.
#include <array>

#include "libcommon/base/strings.h"
#include "libcommon/config/master_cf.h"

namespace umaya::config {
namespace {

constexpr std::array<size_t, kMasterFields + 1> kColumns = {0, 11, 17, 25, 33, 41, 49, 57};
constexpr size_t kLineWidth = 79;

/// Adds the braces that an argument needs to be read as one word again.
std::string braced(const std::string& argument) {
  bool plain = !argument.empty() && !argument.starts_with('{');
  int depth = 0;
  for (char c : argument) {
    depth += c == '{' ? 1 : c == '}' && depth > 0 ? -1 : 0;
    plain = plain && (depth > 0 || !ascii_space(c));
  }
  return plain ? argument : "{" + argument + "}";
}

/// One piece that is not parted by a line end: "-o name=value" or an argument.
struct Piece {
  std::string text;
  bool own_line = false;  ///< -o options stand alone when folded
};

std::string print_override(const std::string& text) {
  auto setting = parse_assignment(text);
  return "-o " + braced(setting ? setting->name + "=" + setting->value : std::string(trim(text)));
}

std::vector<Piece> pieces_of(const MasterEntry& entry) {
  std::vector<Piece> pieces;
  const auto& args = entry.arguments;
  bool options = true;
  for (size_t i = 0; i < args.size(); ++i) {
    options = options && args[i].starts_with('-');
    if (!options || !args[i].starts_with("-o") || (args[i] == "-o" && i + 1 == args.size())) {
      pieces.push_back({braced(args[i])});
    } else {
      pieces.push_back({print_override(args[i] == "-o" ? args[++i] : args[i].substr(2)), true});
    }
  }
  return pieces;
}

}  // namespace

std::string print_command(const MasterEntry& entry) {
  std::string out = entry.command;
  for (const Piece& piece : pieces_of(entry)) out += " " + piece.text;
  return out;
}

std::string print_entry(const MasterEntry& entry, Fold fold) {
  std::string out;
  for (size_t i = 0; i < kColumns.size(); ++i) {
    if (i > 0) out += ' ';
    if (out.size() < kColumns[i]) out.resize(kColumns[i], ' ');
    out += i < kMasterFields ? entry.fields[i] : entry.command;
  }
  size_t width = out.size();
  bool after_option = false;
  for (const Piece& piece : pieces_of(entry)) {
    bool new_line = piece.own_line || after_option || width + 1 + piece.text.size() > kLineWidth;
    new_line = new_line && fold == Fold::folded && !piece.text.starts_with('#');  // which would be a comment there
    out += new_line ? "\n    " : " ";
    width = (new_line ? 4 : width + 1) + piece.text.size();
    out += piece.text;
    after_option = piece.own_line;
  }
  return out;
}

}  // namespace umaya::config
