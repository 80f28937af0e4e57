// NAME    zone_edit - a zone with changes that are not in its image yet
//
// SYNOPSIS
//     ZoneEdit edit(image);
//     edit.begin();
//     edit.add(record);  edit.remove_rrset(owner, type);
//     std::optional<ZoneChange> step = edit.commit(new_soa_serial…);        // or edit.roll_back();
//
// DESCRIPTION
//     Names are read from the image when they are first touched. One edit takes several updates after another: each
//     sees what those before it did, each becomes a ZoneChange of its own or leaves nothing behind.
//
// OWNERSHIP
//     The image must outlive the edit.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "named-lite/zone/changes.h"
#include "named-lite/zone/image_lookup.h"

namespace umaya::named {

class ZoneEdit {
 public:
  explicit ZoneEdit(const ZoneImage& image);

  std::string_view apex() const { return image_.apex_name(); }
  /// Records of the whole zone.
  size_t record_count() const { return record_count_; }
  uint32_t serial() const;
  const ZoneRecord& soa() const;

  /// The records of a name; empty when it has none. Valid until the next change.
  const std::vector<ZoneRecord>& records(std::string_view owner) const;
  bool has(std::string_view owner, uint16_t type) const;
  size_t count(std::string_view owner, uint16_t type) const;
  /// Different types at a name.
  size_t types(std::string_view owner) const;

  /// From here on roll_back() leads back to now, and commit() gives what has changed since.
  void begin();
  /// Adds a record, or gives its set the record's TTL when it is there.
  void add(const ZoneRecord& record);
  /// Removes one record; nothing happens when it is not there.
  void remove(const ZoneRecord& record);
  void remove_rrset(std::string_view owner, uint16_t type);
  /// Puts a SOA in the place of the one that is there.
  void replace_soa(const ZoneRecord& soa);
  void set_serial(uint32_t serial);
  /// Whether something other than the SOA has changed since begin().
  bool changed() const;
  /// What has changed since begin(); nothing when the zone is as it was. The serial must have been raised.
  std::optional<ZoneChange> commit();
  void roll_back();

 private:
  using Records = std::vector<ZoneRecord>;
  const Records& load(const std::string& lower) const;
  Records& change(std::string_view owner);
  static void differences(const Records& before, const Records& after, ZoneChange& out);

  const ZoneImage& image_;
  mutable std::map<std::string, Records> names_;  // by lower-case name; what was read or changed
  std::map<std::string, Records> before_;         // what begin() found of the names that changed since
  size_t record_count_;
  size_t record_count_before_ = 0;
};

}  // namespace umaya::named
