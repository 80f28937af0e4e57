#include "commands/postconf/show.h"

#include <fmt/format.h>

#include <algorithm>

#include "commands/postconf/names.h"
#include "commands/postconf/pattern.h"
#include "libcommon/config/check.h"
#include "libcommon/config/config.h"
#include "libcommon/config/master_cf.h"
#include "libcommon/message/bounce_template.h"

namespace umaya::postconf {
namespace {

using config::Config;
using config::MasterEntry;

constexpr std::string_view kDefaultDirectory = "/etc/umaya";

struct Files {
  Config config;
  std::vector<MasterEntry> services;
  std::string main_file, master_file;
};

/// -d asks for no main.cf; a missing master.cf is worth a warning only.
Result<Files> read_files(const Request& request, Answer& answer) {
  Files files{.config = {},
              .services = {},
              .main_file = request.directory + "/main.cf",
              .master_file = request.directory + "/master.cf"};
  if (request.listing == Listing::defaults) {
    UMAYA_TRY(files.config, Config::from_text("", request.directory, request.overrides));
  } else {
    UMAYA_TRY(files.config, Config::load(request.directory, request.overrides));
    answer.warnings = files.config.main_cf().warnings;
  }
  files.config.name_process("postconf", "");
  auto text = config::read_config_file(files.master_file);
  if (!text && request.subject != Subject::parameters) return std::unexpected(text.error());
  if (!text) {
    answer.warnings.push_back(text.error().what);
    return files;
  }
  UMAYA_TRY(files.services, config::parse_master_entries(*text, files.master_file));
  return files;
}

void warn_about_options(const Files& files, const ParameterNames& names, Answer& answer) {
  auto options = OptionNames::of(files.config, names, files.services);
  for (const std::string& name : options.undefined) {
    answer.warnings.push_back(fmt::format("{}: undefined parameter: {}", files.master_file, name));
  }
  for (const std::string& setting : options.unused) {
    answer.warnings.push_back(fmt::format("{}: unused parameter: {}", files.master_file, setting));
  }
}

class ParameterView {
 public:
  ParameterView(const Request& request, const Files& files, Answer& answer)
      : request_(request), files_(files), answer_(answer), names_(ParameterNames::of(files.config, files.services)) {}

  void print() {
    if (request_.arguments.empty()) {
      for (const std::string& name : listed()) print_one(name);
    }
    for (const std::string& name : request_.arguments) print_named(name);
    if (request_.listing == Listing::defaults) return;
    for (const std::string& name : names_.undefined) {
      answer_.warnings.push_back(fmt::format("{}: undefined parameter: {}", files_.main_file, name));
    }
    for (const auto& setting : names_.unused) {
      answer_.warnings.push_back(
          fmt::format("{}: unused parameter: {}={}", files_.main_file, setting.name, setting.value));
    }
    warn_about_options(files_, names_, answer_);
  }

 private:
  NameSet listed() const {
    NameSet all;
    if (request_.builtin_class) all.insert(names_.builtin.begin(), names_.builtin.end());
    if (request_.service_class) all.insert(names_.service.begin(), names_.service.end());
    if (request_.user_class) all.insert(names_.user.begin(), names_.user.end());
    return all;
  }

  void print_named(const std::string& name) {
    if (names_.contains(name) || config::find_param(name)) return print_one(name);
    answer_.warnings.push_back(fmt::format("{}: unknown parameter", name));
  }

  bool is_set(const std::string& name) const {
    bool elsewhere = name == "config_directory" && files_.config.directory() != kDefaultDirectory;
    return elsewhere || files_.config.is_set(name);
  }

  void print_one(const std::string& name) {
    if (request_.listing == Listing::set && !is_set(name)) return;
    std::string value = files_.config.raw(name).value_or("");
    const config::Param* row = config::find_param(name);
    bool fixed = row && request_.listing == Listing::defaults && !(row->flags & config::kComputed);
    if (fixed) value = std::string(row->default_value);
    if (request_.expansion == Expansion::expanded) {
      auto expanded = files_.config.expand(value);
      if (!expanded) answer_.warnings.push_back(fmt::format("{}: {}", name, expanded.error().what));
      value = expanded.value_or(value);
    }
    answer_.text += print_setting(name, value, request_.form);
  }

  const Request& request_;
  const Files& files_;
  Answer& answer_;
  ParameterNames names_;
};

/// -M, -F and -P.
class ServiceView {
 public:
  ServiceView(const Request& request, const Files& files, Answer& answer)
      : request_(request), files_(files), answer_(answer) {}

  Result<> print() {
    std::vector<std::string> arguments = request_.arguments;
    if (arguments.empty()) arguments.emplace_back("*/*/*");
    for (const std::string& argument : arguments) UMAYA_CHECK(print_matching(Pattern::parse(argument)));
    warn_about_options(files_, ParameterNames::of(files_.config, files_.services), answer_);
    return {};
  }

 private:
  Result<> print_matching(const Pattern& pattern) {
    auto names = config::kMasterFieldNames;
    bool field_known = pattern.item == "*" || std::find(names.begin(), names.end(), pattern.item) != names.end();
    if (request_.subject == Subject::fields && !field_known) {
      return permanent(fmt::format("invalid service attribute name: \"{}\"", pattern.item));
    }
    bool found = false;
    for (const MasterEntry& written : files_.services) {
      if (!pattern.matches(written)) continue;
      MasterEntry entry = expanded(written);
      size_t before = answer_.text.size();
      if (request_.subject == Subject::entries) print_line(entry);
      if (request_.subject == Subject::fields) print_fields(entry, pattern);
      if (request_.subject == Subject::options) print_options(entry, pattern);
      found = found || answer_.text.size() > before;
    }
    bool asked = pattern.text != "*/*/*";
    if (!found && asked) answer_.warnings.push_back(fmt::format("unmatched request: \"{}\"", pattern.text));
    return {};
  }

  /// With -x, $name in the values of -o options is expanded.
  MasterEntry expanded(MasterEntry entry) const {
    if (request_.expansion == Expansion::as_written) return entry;
    auto& args = entry.arguments;
    for (size_t i = 0; i < args.size() && args[i].starts_with('-'); ++i) {
      if (!args[i].starts_with("-o")) continue;
      std::string& text = args[i] == "-o" && i + 1 < args.size() ? args[++i] : args[i];
      text = files_.config.expand(text).value_or(text);
    }
    return entry;
  }

  void print_line(const MasterEntry& entry) {
    bool folded = request_.form.layout == Layout::folded;
    std::string text = print_entry(entry, folded ? config::Fold::folded : config::Fold::one_line);
    bool json = request_.form.layout == Layout::json;
    answer_.text += json ? print_setting(entry.key(), text, request_.form) : text + "\n";
  }

  void print_fields(const MasterEntry& entry, const Pattern& pattern) {
    for (size_t i = 0; i <= config::kMasterFields; ++i) {
      std::string name(config::kMasterFieldNames[i]);
      if (!pattern.matches_item(name)) continue;
      std::string value = i < config::kMasterFields ? entry.fields[i] : print_command(entry);
      answer_.text += print_setting(entry.key() + "/" + name, value, request_.form);
    }
  }

  void print_options(const MasterEntry& entry, const Pattern& pattern) {
    for (const auto& [name, value] : options_of(entry)) {
      if (!pattern.matches_item(name)) continue;
      answer_.text += print_setting(entry.key() + "/" + name, value, request_.form);
    }
  }

  const Request& request_;
  const Files& files_;
  Answer& answer_;
};

/// -t and -b: the templates of the file given, else of bounce_template_file, else the built-in ones.
Result<Answer> show_templates(const Request& request) {
  UMAYA_TRY(Config config, Config::load(request.directory, request.overrides));
  std::string file = request.arguments.empty() ? config.get("bounce_template_file") : request.arguments.front();
  auto templates = message::default_bounce_templates();
  if (!file.empty()) {
    UMAYA_TRY(std::string text, config::read_config_file(file));
    UMAYA_TRY(templates, message::parse_bounce_templates(text, file));
  }
  if (request.subject == Subject::templates) return Answer{message::print_bounce_templates(templates), {}};
  auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    return config.raw(name) ? std::optional(config.get(name)) : std::nullopt;
  };
  return Answer{message::preview_bounce_templates(templates, lookup), {}};
}

std::string lines_of(std::initializer_list<std::string_view> words) {
  return fmt::format("{}\n", fmt::join(words, "\n"));
}

}  // namespace

Result<Answer> show(const Request& request) {
  Answer answer;
  switch (request.subject) {
    case Subject::table_types:
      answer.text = fmt::format("{}\n", fmt::join(config::table_types(), "\n"));
      return answer;
    case Subject::lock_types:
      answer.text = lines_of({"flock", "fcntl", "dotlock"});
      return answer;
    case Subject::server_sasl:
    case Subject::client_sasl:
      return answer;  // no SASL implementation yet
    case Subject::templates:
    case Subject::notices:
      return show_templates(request);
    default:
      break;
  }
  UMAYA_TRY(Files files, read_files(request, answer));
  if (request.subject == Subject::parameters) {
    ParameterView(request, files, answer).print();
  } else {
    UMAYA_CHECK(ServiceView(request, files, answer).print());
  }
  if (request.quiet) answer.warnings.clear();
  return answer;
}

}  // namespace umaya::postconf
