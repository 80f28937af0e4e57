// NAME    catalog - the zones of a view, found by the name that is asked for
//
// OWNERSHIP
//     A Catalog is made whole and then never changed; a reload makes a new one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "named-lite/zone/image.h"

namespace umaya::named {

/// A zone that the configuration names.
struct ServedZone {
  std::string name;  ///< wire form, lower case
  ImagePtr image;    ///< null while there are no data that can be served
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
  /// The data of the zone of exactly that name (lower case); null when there are none.
  ImagePtr image_of(std::string_view name) const;

 private:
  void grow();
  uint64_t seed_;
  std::vector<std::unique_ptr<ServedZone>> zones_;  // addresses stay when it grows
  std::vector<std::pair<uint64_t, const ServedZone*>> table_;
  uint64_t depths_ = 0;  // bit n: some zone has n labels (63: 63 or more)
};

}  // namespace umaya::named
