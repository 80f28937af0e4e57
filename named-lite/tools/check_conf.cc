#include <fmt/core.h>

#include <string_view>
#include <vector>

#include "libcommon/fs/file.h"
#include "named-lite/config/print.h"
#include "named-lite/config/statements.h"
#include "named-lite/server/config_files.h"
#include "named-lite/server/zone_source.h"
#include "named-lite/tools/check.h"
#include "named-lite/tools/flags.h"
#include "named-lite/tools/show.h"

namespace umaya::named {

namespace {

constexpr std::string_view kDefaultConf = "/etc/umaya/named.conf";
constexpr size_t kMostConfigText = size_t{16} << 20;
constexpr std::string_view kUsage = "named-checkconf [-chilvz] [-p [-x]] [-t directory] [named.conf]";

struct ConfOptions {
  std::string file{kDefaultConf};
  std::string_view root;
  bool with_zones = false;
  bool print = false;
  bool list = false;
  bool without_obsolete = false;
  Secrets secrets = Secrets::shown;
};

/// The exit code when there is nothing more to do.
std::optional<int> read_options(std::span<char* const> arguments, ConfOptions& options) {
  Flags flags(arguments, "chijlpvxzt:");
  while (auto flag = flags.next()) {
    switch (flag->letter) {
      case 'h':
        return show_usage("", kUsage);
      case 'v':
        return show_version();
      case 'z':
        options.with_zones = true;
        break;
      case 'p':
        options.print = true;
        break;
      case 'x':
        options.secrets = Secrets::masked;
        break;
      case 'l':
        options.list = true;
        break;
      case 't':
        options.root = flag->value;
        break;
      case 'i':
        options.without_obsolete = true;
        break;
      case 'j':
        return show_usage(
            "-j: changes of dynamic zones stand in the server's own journal, which is not read here: ndc sync writes "
            "them "
            "into the files",
            kUsage);
      default:  // -c: there are no plug-ins that it would leave out
        break;
    }
  }
  std::vector<std::string> words = flags.words();
  std::string wrong = flags.wrong();
  if (wrong.empty() && words.size() > 1) wrong = words[1] + " is too much";
  if (wrong.empty() && options.secrets == Secrets::masked && !options.print) wrong = "-x is for -p";
  if (!wrong.empty()) return show_usage(wrong, kUsage);
  if (!words.empty()) options.file = words[0];
  return std::nullopt;
}

Problems without_obsolete(const Problems& problems) {
  Problems rest;
  for (const Problem& each : problems.all()) {
    bool obsolete = each.severity == Severity::warning && each.what.find(kIsObsolete) != std::string::npos;
    if (each.severity == Severity::error) rest.error(each.place, each.what, each.cure);
    if (each.severity == Severity::warning && !obsolete) rest.warning(each.place, each.what, each.cure);
  }
  return rest;
}

int check_zones(const NamedConf& conf, std::FILE* where) {
  int status = 0;
  for (const ViewConf& view : conf.views) {
    for (const ZoneConf& zone : view.zones) {
      if (zone.type != ZoneType::primary) continue;
      Problems problems;
      ZoneSource source = zone_source(conf, zone, nullptr);
      source.keep_image = false;
      ImagePtr image = load_zone_file(source, 0, problems).image;
      show_problems(problems, where);
      if (problems.has_errors()) status = 1;
      if (image) {
        fmt::print(where, "zone {}/IN: loaded serial {}\n", zone.name.text(), image->header().serial);
      } else {
        fmt::print(where, "zone {}/IN: not loaded because of errors\n", zone.name.text());
      }
    }
  }
  return status;
}

/// One line for each zone: name, class, view, type.
void list_zones(const NamedConf& conf) {
  for (const ViewConf& view : conf.views) {
    for (const ZoneConf& zone : view.zones) {
      std::string name = zone.name.text();
      if (name.size() > 1) name.pop_back();
      fmt::print("{} IN {} {}\n", name, view.name, zone_type_text(zone.type));
    }
  }
}

}  // namespace

int check_conf(std::span<char* const> arguments) {
  ConfOptions options;
  if (auto code = read_options(arguments, options)) return *code;
  if (!options.root.empty() && !change_root(options.root)) return 1;
  // What is printed can be taken as a configuration; what is wrong with it goes elsewhere.
  std::FILE* where = options.print || options.list ? stderr : stdout;
  auto text = fs::read_file(options.file, kMostConfigText);
  if (!text) {
    fmt::print(where, "{}\n", text.error().what);
    return 1;
  }
  Problems problems;
  std::vector<Statement> top = parse_config_text(*text, options.file, open_beside(options.file), problems);
  NamedConf conf = read_named_conf(top, problems);
  if (options.without_obsolete) problems = without_obsolete(problems);
  show_problems(problems, where);
  if (problems.has_errors()) return 1;
  if (options.print) fmt::print("{}", print_conf(top, options.secrets));
  if (options.list) list_zones(conf);
  return options.with_zones ? check_zones(conf, where) : 0;
}

}  // namespace umaya::named
