// Changes in master.cf.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "commands/postconf/edit.h"
#include "commands/postconf/pattern.h"
#include "libcommon/base/strings.h"

namespace umaya::postconf {
namespace {

using config::Fold;
using config::MasterEntry;

/// What becomes of one entry.
enum class Fate : unsigned char { keep, rewrite, remove, comment_out };

std::vector<std::string_view> physical_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void append_line(std::string& out, std::string_view line) {
  out += line;
  out += '\n';
}

/// Asks decide() about each entry, which may change it, and writes the file anew. Comments within a changed entry come
/// out in front of it.
Result<std::string> rewrite(std::string_view text, const std::string& file,
                            const std::function<Fate(MasterEntry&)>& decide) {
  UMAYA_TRY(auto entries, config::parse_master_entries(text, file));
  auto lines = physical_lines(text);
  std::string out;
  size_t next = 0;
  auto copy_until = [&](size_t end) {
    while (next < end) append_line(out, lines[next++]);
  };
  for (MasterEntry& entry : entries) {
    copy_until(static_cast<size_t>(entry.line) - 1);
    Fate fate = decide(entry);
    if (fate == Fate::keep) {
      copy_until(static_cast<size_t>(entry.last));
      continue;
    }
    for (; next < static_cast<size_t>(entry.last); ++next) {
      std::string_view visible = trim(lines[next]);
      bool comment = visible.empty() || visible.front() == '#';
      if (fate == Fate::comment_out && !comment) out += '#';
      if (comment || fate == Fate::comment_out) append_line(out, lines[next]);
    }
    if (fate == Fate::rewrite) append_line(out, print_entry(entry, Fold::folded));
  }
  copy_until(lines.size());
  return out;
}

/// "left=right"; right is empty when there is no "=".
std::pair<std::string_view, std::string_view> split_value(std::string_view argument) {
  size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return {trim(argument), {}};
  return {trim(argument.substr(0, equals)), trim(argument.substr(equals + 1))};
}

/// Sets or removes one -o option; keeps the place of an existing one.
void set_option(MasterEntry& entry, const std::string& name, const std::optional<std::string>& value) {
  std::vector<std::string> rest;
  bool placed = false;
  auto place = [&] {
    if (value && !placed) rest.insert(rest.end(), {"-o", name + "=" + *value});
    placed = true;
  };
  size_t i = 0;
  for (; i < entry.arguments.size() && entry.arguments[i].starts_with('-'); ++i) {
    std::string option = entry.arguments[i];
    bool is_override = option.starts_with("-o");
    if (option == "-o" && i + 1 < entry.arguments.size()) option += entry.arguments[++i];
    auto setting = is_override ? config::parse_assignment(option.substr(2)) : Result<config::Setting>(permanent(""));
    if (setting && setting->name == name) {
      place();
    } else if (is_override) {
      rest.insert(rest.end(), {"-o", option.substr(2)});
    } else {
      rest.push_back(option);
    }
  }
  place();
  rest.insert(rest.end(), entry.arguments.begin() + static_cast<std::ptrdiff_t>(i), entry.arguments.end());
  entry.arguments = std::move(rest);
}

void set_field(MasterEntry& entry, size_t field, const std::string& value) {
  if (field < config::kMasterFields) {
    entry.fields[field] = value;
    return;
  }
  auto command = config::parse_master_entry("x unix - - - - - " + value);
  if (!command) return;
  entry.command = command->command;
  entry.arguments = command->arguments;
}

std::string unmatched(std::string_view argument) {
  return fmt::format("unmatched service_name/type: \"{}\"", argument);
}

}  // namespace

Result<Edited> edit_entries(std::string_view text, const std::string& file, Change change,
                            const std::vector<std::string>& arguments) {
  Edited edited{std::string(text), {}};
  for (const std::string& argument : arguments) {
    auto [key, value] = split_value(argument);
    Pattern pattern = Pattern::parse(key);
    if (key.find('/') == std::string_view::npos || pattern.item != "*") {
      return permanent("-Me, -MX or -M# requires service_name/type");
    }
    std::optional<MasterEntry> replacement;
    if (change == Change::set) {
      UMAYA_TRY(replacement, config::parse_master_entry(value));
      UMAYA_CHECK(config::interpret(*replacement, {}));
    }
    bool found = false;
    auto decide = [&](MasterEntry& entry) {
      if (!pattern.matches(entry)) return Fate::keep;
      found = true;
      if (change == Change::comment_out) return Fate::comment_out;
      if (change == Change::remove) return Fate::remove;
      replacement->line = entry.line;
      replacement->last = entry.last;
      entry = *replacement;
      return Fate::rewrite;
    };
    UMAYA_TRY(edited.text, rewrite(edited.text, file, decide));
    if (!found && replacement) edited.text += print_entry(*replacement, Fold::folded) + "\n";
  }
  return edited;
}

Result<Edited> edit_fields(std::string_view text, const std::string& file, const std::vector<std::string>& arguments) {
  Edited edited{std::string(text), {}};
  for (const std::string& argument : arguments) {
    auto [key, value] = split_value(argument);
    Pattern pattern = Pattern::parse(key);
    auto names = config::kMasterFieldNames;
    auto name = std::find(names.begin(), names.end(), pattern.item);
    if (name == names.end()) return permanent(fmt::format("invalid service attribute name: \"{}\"", pattern.item));
    if (value.empty()) return permanent(fmt::format("missing value: write {}=value", key));
    size_t field = static_cast<size_t>(name - names.begin());
    bool found = false;
    Result<> valid;
    auto decide = [&](MasterEntry& entry) {
      if (!pattern.matches(entry)) return Fate::keep;
      found = true;
      set_field(entry, field, std::string(value));
      auto meaning = config::interpret(entry, {});
      if (!meaning) valid = std::unexpected(meaning.error());
      return Fate::rewrite;
    };
    UMAYA_TRY(edited.text, rewrite(edited.text, file, decide));
    UMAYA_CHECK(valid);
    if (!found) edited.warnings.push_back(unmatched(argument));
  }
  return edited;
}

Result<Edited> edit_options(std::string_view text, const std::string& file, Change change,
                            const std::vector<std::string>& arguments) {
  Edited edited{std::string(text), {}};
  for (const std::string& argument : arguments) {
    auto [key, value] = split_value(argument);
    Pattern pattern = Pattern::parse(key);
    bool has_value = argument.find('=') != std::string::npos;
    if (pattern.item == "*" || has_value != (change == Change::set)) {
      return permanent("-Pe requires service_name/type/parameter=value, -PX service_name/type/parameter");
    }
    bool found = false;
    std::optional<std::string> wanted;
    if (change == Change::set) wanted = std::string(value);
    auto decide = [&](MasterEntry& entry) {
      if (!pattern.matches(entry)) return Fate::keep;
      found = true;
      set_option(entry, pattern.item, wanted);
      return Fate::rewrite;
    };
    UMAYA_TRY(edited.text, rewrite(edited.text, file, decide));
    if (!found) edited.warnings.push_back(unmatched(argument));
  }
  return edited;
}

}  // namespace umaya::postconf
