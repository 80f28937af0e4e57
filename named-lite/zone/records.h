// NAME    records - the records of one zone as they were read, before they are compiled
//
// DESCRIPTION
//     Names and data lie in one arena, a record is 32 bytes that point into it, so that a million of them cost little
//     to make and to sort. Each record remembers the file and line that it came from, for the checker.
//
// LIMITS  4 GiB of names and data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "named-lite/dns/name.h"
#include "named-lite/zone/problem.h"

namespace umaya::named {

struct Record {
  uint32_t owner;
  uint32_t rdata;
  uint32_t ttl;
  uint32_t line;
  uint16_t type;
  uint16_t rdata_size;
  uint16_t file;
  uint16_t column;  ///< of the data
  uint8_t owner_size;
};

class RecordList {
 public:
  explicit RecordList(Name apex) : apex_(apex) {}

  const Name& apex() const { return apex_; }
  const std::vector<Record>& records() const { return records_; }
  /// Wire form, in the case in which it was written.
  std::string_view owner(const Record& record) const { return {arena_.data() + record.owner, record.owner_size}; }
  std::string_view rdata(const Record& record) const { return {arena_.data() + record.rdata, record.rdata_size}; }
  Place place(const Record& record) const { return {files_[record.file], record.line, 0}; }

  /// Makes this owner the one of the records added from now on.
  void set_owner(std::string_view wire) {
    owner_ = static_cast<uint32_t>(arena_.size());
    owner_size_ = static_cast<uint8_t>(wire.size());
    arena_.append(wire);
  }
  std::string_view current_owner() const { return {arena_.data() + owner_, owner_size_}; }
  void add(uint16_t type, uint32_t ttl, std::string_view rdata, uint16_t file, uint32_t line, uint16_t column) {
    auto at = static_cast<uint32_t>(arena_.size());
    arena_.append(rdata);
    records_.push_back({owner_, at, ttl, line, type, static_cast<uint16_t>(rdata.size()), file, column, owner_size_});
  }
  /// Room for n octets more of text that is about to be parsed.
  void reserve_for_text(size_t n) {
    arena_.reserve(arena_.size() + n);
    records_.reserve(records_.size() + n / 24);
  }
  bool is_full() const { return arena_.size() > UINT32_MAX - 2 * 65536; }

  /// Number to give to add() for a file.
  uint16_t add_file(std::string path) {
    files_.push_back(std::move(path));
    return static_cast<uint16_t>(files_.size() - 1);
  }
  const std::string& file(uint16_t number) const { return files_[number]; }

 private:
  Name apex_;
  std::string arena_;
  std::vector<Record> records_;
  std::vector<std::string> files_;
  uint32_t owner_ = 0;
  uint8_t owner_size_ = 0;
};

}  // namespace umaya::named
