// NAME    catalog - the zones of a view, found by the name that is asked for
//
// OWNERSHIP
//     A reload makes a new Catalog; the data of single zones are replaced between two questions.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "named-lite/zone/image.h"

namespace umaya::named {

/// A zone that the configuration names.
struct ServedZone {
  std::string name;              ///< wire form, lower case
  ImagePtr image;                ///< null while there are no data that can be served
  uint32_t number = UINT32_MAX;  ///< by which it is counted (statistics/page.h); UINT32_MAX: not at all
};

class Catalog {
 public:
  explicit Catalog(uint64_t seed) : seed_(seed) { grow(); }

  uint64_t seed() const { return seed_; }
  /// zone: its name is not yet in the catalog.
  void add(ServedZone zone);
  /// The zone with the longest name that holds the name with these hashes; labels: how many labels of it may be used.
  const ServedZone* find(const SuffixHashes& hashes, size_t labels) const;
  const std::vector<std::unique_ptr<ServedZone>>& zones() const { return zones_; }
  /// The zone of exactly that name (lower case); nullptr when there is none.
  const ServedZone* zone(std::string_view name) const { return find_exactly(name); }
  /// Whether a zone has exactly that name (lower case).
  bool contains(std::string_view name) const { return find_exactly(name) != nullptr; }
  /// Other data for the zone of that name (lower case); false when the catalog has no such zone.
  bool replace(std::string_view name, ImagePtr image);
  /// Whether some zone is, or was, so large that look-ups wait for memory.
  bool has_large_zones() const { return large_; }
  static bool is_large(const ZoneImage& image) { return image.bytes().size() >= kLarge; }
  /// The data of the zone of exactly that name (lower case); null when there are none.
  ImagePtr image_of(std::string_view name) const;

 private:
  static constexpr size_t kLarge = size_t{2} << 20;

  void grow();
  ServedZone* find_exactly(std::string_view name) const;
  uint64_t seed_;
  std::vector<std::unique_ptr<ServedZone>> zones_;  // addresses stay when it grows
  std::vector<std::pair<uint64_t, ServedZone*>> table_;
  bool large_ = false;
  uint64_t depths_ = 0;  // bit n: some zone has n labels (63: 63 or more)
};

}  // namespace umaya::named
