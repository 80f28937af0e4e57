#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "named-lite/config/reading.h"
#include "named-lite/tools/check.h"
#include "named-lite/tools/flags.h"
#include "named-lite/tools/show.h"
#include "named-lite/tools/zone_output.h"
#include "named-lite/zone/image_records.h"
#include "named-lite/zone/record_text.h"
#include "named-lite/zone/zone_loader.h"

namespace umaya::named {

namespace {

constexpr std::string_view kCheckUsage =
    "named-checkzone [-dDhqv] [-c class] [-f format] [-F format] [-i mode] [-k mode] [-l ttl] [-m mode] [-M mode] "
    "[-n mode] [-o file] [-r mode] [-s style] [-S mode] [-t directory] [-T mode] [-w directory] [-W mode] zone file";
constexpr std::string_view kCompileUsage =
    "named-compilezone [-dDhqv] [-c class] [-f format] [-F format] [-i mode] [-k mode] [-l ttl] [-m mode] [-M mode] "
    "[-n mode] [-r mode] [-s style] [-S mode] [-t directory] [-T mode] [-w directory] [-W mode] -o file zone file";

constexpr std::string_view kNoJournal =
    "changes of dynamic zones stand in the server's own journal, which is not read here: ndc sync writes them into the "
    "file";

struct ZoneOptions {
  CheckPolicy policy;
  std::string_view root, directory;
  std::string output;  ///< a file, or "-"
  bool dump = false;
  bool quiet = false;
  ZoneStyle style = ZoneStyle::full;
  uint64_t max_ttl = 0;  ///< 0: any
  std::vector<std::string> words;
  std::string wrong;
};

void read_action(const Flag& flag, CheckAction& action, std::string& wrong) {
  if (flag.value == "fail") {
    action = CheckAction::fail;
  } else if (flag.value == "warn") {
    action = CheckAction::warn;
  } else if (flag.value == "ignore") {
    action = CheckAction::ignore;
  } else {
    wrong = fmt::format("-{} is fail, warn or ignore", flag.letter);
  }
}

/// local: what other zones hold is not looked at anyhow.
void read_integrity(std::string_view mode, ZoneOptions& options) {
  bool sibling = mode == "full-sibling" || mode == "local-sibling";
  if (!sibling && mode != "full" && mode != "local" && mode != "none") {
    options.wrong = "-i is full, full-sibling, local, local-sibling or none";
  }
  options.policy.integrity = mode != "none";
  options.policy.sibling = mode != "none";
}

void read_value(const Flag& flag, ZoneOptions& options) {
  switch (flag.letter) {
    case 'c':
      if (!iequals(flag.value, "IN")) options.wrong = "-c: only class IN is served";
      return;
    case 'f':
    case 'F':
      if (flag.value != "text") options.wrong = fmt::format("-{}: only text is read and written", flag.letter);
      return;
    case 'l': {
      auto ttl = duration_from_text(flag.value);
      if (!ttl || *ttl == 0) options.wrong = "-l is a time, as 86400 or 1d";
      if (ttl) options.max_ttl = *ttl;
      return;
    }
    case 'o':
      options.output = flag.value;
      return;
    case 's':
      if (flag.value != "full" && flag.value != "relative") options.wrong = "-s is full or relative";
      options.style = flag.value == "relative" ? ZoneStyle::relative : ZoneStyle::full;
      return;
    case 't':
      options.root = flag.value;
      return;
    case 'w':
      options.directory = flag.value;
      return;
    case 'J':
      options.wrong = std::string(kNoJournal);
      return;
    case 'L':
      options.wrong = "-L: the serial of a raw file, which is not written";
      return;
    default:  // -d: nothing more is to be said
      return;
  }
}

void read_check(const Flag& flag, ZoneOptions& options) {
  CheckAction unused{};
  switch (flag.letter) {
    case 'i':
      return read_integrity(flag.value, options);
    case 'k':
      return read_action(flag, options.policy.names, options.wrong);
    case 'm':
      return read_action(flag, options.policy.mx, options.wrong);
    case 'M':
      return read_action(flag, options.policy.mx_cname, options.wrong);
    case 'r':
      return read_action(flag, options.policy.dup_records, options.wrong);
    case 'S':
      return read_action(flag, options.policy.srv_cname, options.wrong);
    case 'T':
      return read_action(flag, options.policy.spf, options.wrong);
    case 'W':
      options.policy.wildcard = flag.value != "ignore";
      return read_action(flag, unused, options.wrong);
    case 'n':
      return read_action(flag, options.policy.ns, options.wrong);
    case 'C':
      options.wrong = "-C: SVCB records are not checked";
      return;
    default:
      return read_value(flag, options);
  }
}

/// The exit code when there is nothing more to do.
std::optional<int> read_options(std::span<char* const> arguments, ZoneTool tool, ZoneOptions& options) {
  std::string_view usage = tool == ZoneTool::check ? kCheckUsage : kCompileUsage;
  if (tool == ZoneTool::compile) options.policy.names = CheckAction::fail;
  Flags flags(arguments, "dDhjqvc:C:f:F:i:J:k:l:L:m:M:n:o:r:s:S:t:T:w:W:");
  while (auto flag = flags.next()) {
    if (flag->letter == 'h') return show_usage("", usage);
    if (flag->letter == 'v') return show_version();
    if (flag->letter == 'q') options.quiet = true;
    if (flag->letter == 'D') options.dump = true;
    if (flag->letter == 'j') options.wrong = std::string(kNoJournal);
    if (!flag->value.empty()) read_check(*flag, options);
  }
  options.words = flags.words();
  if (!flags.wrong().empty()) options.wrong = flags.wrong();
  if (options.wrong.empty() && options.words.size() != 2) options.wrong = "a zone and a file are needed";
  if (options.wrong.empty() && tool == ZoneTool::compile && options.output.empty() && !options.dump) {
    options.wrong = "-o says where to write; - is standard output";
  }
  if (!options.wrong.empty()) return show_usage(options.wrong, usage);
  if (options.dump && options.output.empty()) options.output = "-";
  return std::nullopt;
}

bool enter_directories(const ZoneOptions& options) {
  if (!options.root.empty() && !change_root(options.root)) return false;
  if (options.directory.empty() || ::chdir(std::string(options.directory).c_str()) == 0) return true;
  fmt::print(stderr, "-w {}: {}\n", options.directory, strerror(errno));
  return false;
}

void check_ttls(const ZoneImage& image, uint64_t most, const std::string& file, Problems& problems) {
  RecordList list = records_of(image);
  for (const Record& record : list.records()) {
    if (record.ttl <= most) continue;
    problems.error({file, 0, 0},
                   fmt::format("{}: the TTL {} is larger than {} (-l)", record_text(list, record), record.ttl, most));
  }
}

/// False after a message.
bool write_output(const ZoneImage& image, const ZoneOptions& options) {
  std::string text = zone_output(image, options.style);
  if (options.output == "-") return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  auto written = fs::replace_file(options.output, text, 0644);
  if (!written) fmt::print(stderr, "{}\n", written.error().what);
  return written.has_value();
}

}  // namespace

int check_zone_file(std::span<char* const> arguments, ZoneTool tool) {
  ZoneOptions options;
  if (auto code = read_options(arguments, tool, options)) return *code;
  if (!enter_directories(options)) return 1;
  auto zone = Name::from_text(options.words[0]);
  if (!zone) {
    fmt::print("{}\n", zone.error().what);
    return 1;
  }
  const std::string& path = options.words[1];
  ZoneSource source;
  source.name = *zone;
  source.directory = fs::parent_directory(path);
  source.file = path.substr(path.rfind('/') + 1);
  source.policy = options.policy;
  Problems problems;
  ImagePtr image = load_zone_file(source, 0, problems).image;
  if (image && options.max_ttl > 0) check_ttls(*image, options.max_ttl, path, problems);
  // The zone itself on standard output stays clean.
  std::FILE* where = options.output == "-" ? stderr : stdout;
  if (!options.quiet) show_problems(problems, where);
  bool good = image && !problems.has_errors();
  if (!options.quiet) {
    if (image) fmt::print(where, "zone {}/IN: loaded serial {}\n", zone->text(), image->header().serial);
    if (!image) fmt::print(where, "zone {}/IN: not loaded because of errors\n", zone->text());
  }
  if (!good) return 1;
  if (!options.output.empty() && !write_output(*image, options)) return 1;
  if (!options.quiet) fmt::print(where, "OK\n");
  return 0;
}

}  // namespace umaya::named
