#include "named-lite/zone/zone_loader.h"

#include <cerrno>

#include "libcommon/fs/file.h"
#include "named-lite/zone/checker.h"
#include "named-lite/zone/image_file.h"
#include "named-lite/zone/zone_text.h"

namespace umaya::named {

namespace {

std::string full_path(const ZoneSource& source) {
  return source.file.starts_with('/') ? source.file : source.directory + "/" + source.file;
}

/// All that decides on the result beside the files.
std::string rules_of(const ZoneSource& source) {
  return source.name.text() + " in " + source.directory + " from " + source.file + " " + source.policy.text();
}

}  // namespace

std::string image_path(const ZoneSource& source) {
  return full_path(source) + ".nlz";
}

LoadedZone load_zone_file(const ZoneSource& source, uint64_t seed, Problems& problems) {
  LoadedZone loaded;
  std::string path = full_path(source);
  if (source.keep_image) {
    Sources sources = source.is_touched ? Sources::touched : Sources::untouched;
    if (auto kept = load_image(image_path(source), rules_of(source), problems, sources)) {
      loaded.image = std::move(*kept);
      loaded.was_kept = true;
      return loaded;
    }
  }
  ImageOrigin origin{rules_of(source), {}};
  auto text = read_source(path, &origin.sources);
  if (!text) {
    problems.error({path, 0, 0}, "the zone file cannot be read: " + text.error().what);
    return loaded;
  }
  // Included files lie beneath the zones' directory, or beside a zone file that lies elsewhere.
  std::string beneath = source.file.starts_with('/') ? fs::parent_directory(path) : source.directory;
  ZoneTextOptions options{source.name, open_beneath(beneath, &origin.sources)};
  RecordList records = parse_zone_text(*text, path, options, problems);
  text->clear();
  text->shrink_to_fit();
  std::vector<uint32_t> nodes;
  auto image = std::make_shared<const ZoneImage>(compile_zone(records, seed, &nodes));
  check_zone(records, *image, problems, source.policy, nodes);
  if (problems.has_errors()) return loaded;
  loaded.image = std::move(image);
  if (source.keep_image && records.records().size() >= kLeastKept) {
    auto saved = save_image(image_path(source), *loaded.image, origin, problems);
    if (!saved) loaded.note = "its image is not kept for the next start: " + saved.error().what;
  }
  check_reverse(records, *loaded.image, problems, source.policy);
  return loaded;
}

}  // namespace umaya::named
