#include "named-lite/tools/check.h"

#include <fmt/core.h>

#include <string_view>
#include <vector>

#include "libcommon/fs/file.h"
#include "named-lite/server/snapshot.h"
#include "named-lite/server/zone_source.h"

namespace umaya::named {

namespace {

constexpr std::string_view kDefaultConf = "/etc/umaya/named.conf";
constexpr size_t kMostConfigText = size_t{16} << 20;

enum class Verbosity : unsigned char { all, quiet };

int show(Problems& problems, Verbosity verbosity) {
  if (verbosity == Verbosity::all) {
    problems.sort();
    for (const Problem& problem : problems.all()) fmt::print("{}\n", problem.text());
    if (problems.dropped() > 0) fmt::print("{} more problems\n", problems.dropped());
  }
  return problems.has_errors() ? 1 : 0;
}

int check_zones(const NamedConf& conf) {
  int status = 0;
  for (const ViewConf& view : conf.views) {
    for (const ZoneConf& zone : view.zones) {
      if (zone.type != ZoneType::primary) continue;
      Problems problems;
      ZoneSource source = zone_source(conf, zone, nullptr);
      source.keep_image = false;
      ImagePtr image = load_zone_file(source, 0, problems).image;
      status |= show(problems, Verbosity::all);
      if (image) {
        fmt::print("zone {}/IN: loaded serial {}\n", zone.name.text(), image->header().serial);
      } else {
        fmt::print("zone {}/IN: not loaded because of errors\n", zone.name.text());
      }
    }
  }
  return status;
}

int usage(std::string_view text) {
  fmt::print(stderr, "usage: {}\n", text);
  return 2;
}

}  // namespace

int check_conf(std::span<char* const> arguments) {
  std::string file(kDefaultConf);
  bool with_zones = false;
  bool named = false;
  for (std::string_view argument : arguments) {
    if (argument == "-z") {
      with_zones = true;
    } else if (!argument.starts_with('-') && !named) {
      file = argument;
      named = true;
    } else {
      return usage("named-checkconf [-z] [file]");
    }
  }
  auto text = fs::read_file(file, kMostConfigText);
  if (!text) {
    fmt::print("{}\n", text.error().what);
    return 1;
  }
  Problems problems;
  NamedConf conf = parse_named_conf(*text, file, open_beside(file), problems);
  int status = show(problems, Verbosity::all);
  if (with_zones && !problems.has_errors()) status |= check_zones(conf);
  return status;
}

int check_zone_file(std::span<char* const> arguments) {
  constexpr std::string_view kUsage = "named-checkzone [-q] zone file";
  std::vector<std::string> names;
  Verbosity verbosity = Verbosity::all;
  for (std::string_view argument : arguments) {
    if (argument == "-q") {
      verbosity = Verbosity::quiet;
    } else if (argument.starts_with('-') && argument.size() > 1) {
      return usage(kUsage);
    } else {
      names.emplace_back(argument);
    }
  }
  if (names.size() != 2) return usage(kUsage);
  auto zone = Name::from_text(names[0]);
  if (!zone) {
    fmt::print("{}\n", zone.error().what);
    return 1;
  }
  Problems problems;
  auto image = load_zone(*zone, fs::parent_directory(names[1]), names[1].substr(names[1].rfind('/') + 1), 0, problems);
  int status = show(problems, verbosity);
  if (verbosity == Verbosity::all) {
    if (image) fmt::print("zone {}/IN: loaded serial {}\nOK\n", zone->text(), image->header().serial);
    if (!image) fmt::print("zone {}/IN: not loaded because of errors\n", zone->text());
  }
  return status;
}

}  // namespace umaya::named
