// Changes in main.cf.
#include <fmt/format.h>

#include "commands/postconf/edit.h"
#include "libcommon/base/strings.h"
#include "libcommon/config/main_cf.h"

namespace umaya::postconf {
namespace {

struct Edit {
  std::string name;
  std::string value;
  bool done = false;
  int found = 0;  ///< settings of this name in the old text
};

Result<Edit> parse_edit(std::string_view argument, Change change) {
  if (argument.find('\n') != std::string_view::npos) return permanent("-e, -X, or -# accepts no multi-line input");
  std::string_view text = trim(argument);
  if (text.starts_with('#')) return permanent("-e, -X, or -# accepts no comment input");
  if (change == Change::set) {
    if (text.starts_with('=')) return permanent(fmt::format("missing attribute name: \"{}\"", argument));
    auto setting = config::parse_assignment(text);
    if (!setting) return permanent(fmt::format("missing '=' after attribute name: \"{}\"", argument));
    return Edit{std::move(setting->name), std::move(setting->value)};
  }
  bool one_name = !text.empty() && text.find_first_of("= \t") == std::string_view::npos;
  if (!one_name) return permanent("-X or -# requires names without value");
  return Edit{std::string(text), {}};
}

/// The name that a line sets.
std::string_view name_of(std::string_view line) {
  return trim(line.substr(0, line.find('=')));
}

class Editor {
 public:
  Editor(Change change, std::vector<Edit> edits) : change_(change), edits_(std::move(edits)) {}

  void line(std::string_view text) {
    std::string_view visible = trim(text);
    if (visible.empty() || visible.front() == '#') return copy(text);  // also between a line and its continuation
    if (!ascii_space(text.front())) {
      current_ = find(name_of(text));
      if (current_) ++current_->found;
      if (current_ && change_ == Change::set) return write(*current_);
    }
    if (!current_) return copy(text);
    if (change_ == Change::comment_out) copy("#" + std::string(text));
  }

  Edited finish() {
    for (Edit& edit : edits_) {
      if (change_ == Change::set && !edit.done) write(edit);
      if (edit.found > 1) edited_.warnings.push_back(fmt::format("multiple entries for \"{}\"", edit.name));
    }
    return std::move(edited_);
  }

 private:
  Edit* find(std::string_view name) {
    for (auto edit = edits_.rbegin(); edit != edits_.rend(); ++edit) {
      if (edit->name == name) return &*edit;
    }
    return nullptr;
  }

  void write(Edit& edit) {
    copy(edit.value.empty() ? edit.name + " =" : edit.name + " = " + edit.value);
    for (Edit& other : edits_) other.done = other.done || other.name == edit.name;
  }

  void copy(std::string_view text) {
    edited_.text += text;
    edited_.text += '\n';
  }

  Change change_;
  std::vector<Edit> edits_;
  Edit* current_ = nullptr;  ///< the edit of the logical line that we are in
  Edited edited_;
};

}  // namespace

Result<Edited> edit_main_cf(std::string_view text, Change change, const std::vector<std::string>& arguments) {
  std::vector<Edit> edits;
  for (const std::string& argument : arguments) {
    UMAYA_TRY(Edit edit, parse_edit(argument, change));
    std::erase_if(edits, [&](const Edit& earlier) { return earlier.name == edit.name; });
    edits.push_back(std::move(edit));
  }
  Editor editor(change, std::move(edits));
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    editor.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return editor.finish();
}

}  // namespace umaya::postconf
