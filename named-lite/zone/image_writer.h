// NAME    image_writer - writes the nodes and the index of an image
//
// SYNOPSIS
//     ImageWriter out(memory, apex);
//     uint32_t node = out.begin_node({.name = name, .written_labels = labels});
//     out.begin_sets(1);
//     out.begin_set(type, ttl, 1);
//     out.add_record(rdata);
//     out.end_set();
//     out.end_node();
//     out.begin_index(1, header);
//     out.add_to_index(hash, node);
//     out.end_index(header);
//     size_t size = out.end_image(header);
//
// DESCRIPTION
//     One pass from the beginning of the memory to its end, for the compiler of whole zones and for changes of them.
//
// OWNERSHIP
//     Memory and apex must outlive the writer.
//
// LIMITS
//     The caller provides room: kMostNodeHead and twice the name for a node, kMostRecordHead and its data for a
//     record, most_index_size() for index and header.
#pragma once

#include <string_view>

#include "named-lite/zone/image.h"

namespace umaya::named {

struct NodePlan {
  std::string_view name;            ///< lower case, whole
  std::string_view written_labels;  ///< in front of the zone's name
  uint8_t flags = 0;                ///< kHasChildren and kMixedCase are set by the writer
  uint8_t above = 0;
  uint32_t children = 0;
};

class ImageWriter {
 public:
  static constexpr size_t kMostTypes = 255;
  static constexpr size_t kMostNodeHead = 24;
  static constexpr size_t kMostRecordHead = sizeof(RrsetEntry) + 12 + 4 + 4;
  static size_t most_index_size(size_t nodes);

  /// Begins an image at the start of the memory.
  ImageWriter(char* base, std::string_view apex);
  /// Goes on behind an image.
  ImageWriter(char* base, std::string_view apex, size_t position) : base_(base), apex_(apex), at_(position) {}

  uint32_t position() const { return static_cast<uint32_t>(at_); }
  /// Its offset.
  uint32_t begin_node(const NodePlan& plan);
  void begin_sets(size_t count);
  /// The offset of the places for its targets; 0 when the type has none.
  uint32_t begin_set(uint16_t type, uint32_t ttl, size_t records);
  /// rdata: names written out.
  void add_record(std::string_view rdata);
  void end_set();
  void end_node();
  void set_u32(uint32_t at, uint32_t value) { std::memcpy(base_ + at, &value, sizeof value); }

  void begin_index(size_t nodes, ZoneImage::Header& header);
  void add_to_index(uint64_t hash, uint32_t node);
  void prefetch_index(uint64_t hash) const { __builtin_prefetch(&buckets_[(hash >> 32) * bucket_count_ >> 32], 1); }
  void end_index(ZoneImage::Header& header);
  /// Writes the header: magic, version, apex and size are filled in. Returns the size of the image.
  size_t end_image(ZoneImage::Header header);

  /// Enters a node into a bucket that has room; false when it has none, and is marked as overflowed.
  static bool enter(Bucket& bucket, uint8_t tag, uint32_t node);

 private:
  void put(std::string_view bytes) {
    std::memcpy(base_ + at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void put_name(std::string_view name);
  void put_compressed(std::string_view rdata);
  void align(size_t to) { at_ = (at_ + to - 1) / to * to; }

  char* base_;
  std::string_view apex_;
  size_t at_ = 0;
  // The node and set at hand.
  size_t node_ = 0;
  std::string_view name_;
  bool is_wildcard_ = false;
  size_t entry_ = 0;
  RrsetEntry set_{};
  char head_[12];
  std::string_view layout_;  // empty: nothing to compress
  Bucket* buckets_ = nullptr;
  size_t bucket_count_ = 0;
};

/// Serial and negative TTL of a header from the data of the SOA.
void set_soa_fields(ZoneImage::Header& header, std::string_view soa, uint32_t ttl);

}  // namespace umaya::named
