// NAME    messages - how zones travel from the zone process to those that answer from them
//
// DESCRIPTION
//     A feed is one FeedBegin, the files and zones that are new, and one FeedCommit, after which the receiver exchanges
//     everything at once and says FeedDone. A whole feed replaces what the receiver had and brings the configuration;
//     the others change single zones. Images lie in sealed memfds, small ones together; a receiver gets each file once
//     and knows it by its number as long as a zone of it is served.
//
// LIMITS
//     A message has at most kMostZonesInMessage zones, so that it fits ipc::kMaxMessage.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::named {

inline constexpr size_t kMostZonesInMessage = 256;

/// With one descriptor, the configuration (ConfigFiles in a sealed memfd), when it is whole.
struct FeedBegin {
  uint64_t number = 0;
  uint64_t seed = 0;  ///< of the hashes of names
  bool whole = false;
  static constexpr std::string_view kName = "named.feed.begin";
  static void visit(auto& self, auto&& v) {
    v("number", self.number);
    v("seed", self.seed);
    v("whole", self.whole);
  }
};

/// With one descriptor: a sealed memfd with images.
struct FeedFile {
  uint64_t id = 0;
  uint64_t size = 0;
  static constexpr std::string_view kName = "named.feed.file";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("size", self.size);
  }
};

struct FeedZone {
  uint16_t view = 0;  ///< number of the view in the configuration
  std::string name;   ///< wire form, lower case
  uint64_t file = 0;
  uint64_t offset = 0;
  uint64_t size = 0;             ///< 0: there are no data, questions get SERVFAIL
  uint32_t number = UINT32_MAX;  ///< ServedZone::number
  static constexpr std::string_view kName = "named.feed.zone";
  static void visit(auto& self, auto&& v) {
    v("view", self.view);
    v("name", self.name);
    v("file", self.file);
    v("offset", self.offset);
    v("size", self.size);
    v("number", self.number);
  }
};

struct FeedZones {
  std::vector<FeedZone> zones;
  static constexpr std::string_view kName = "named.feed.zones";
  static void visit(auto& self, auto&& v) { v("zones", self.zones); }
};

struct FeedCommit {
  uint64_t number = 0;
  uint64_t zones = 0;  ///< how many the feed had
  static constexpr std::string_view kName = "named.feed.commit";
  static void visit(auto& self, auto&& v) {
    v("number", self.number);
    v("zones", self.zones);
  }
};

/// The receiver answers from the feed of this number.
struct FeedDone {
  uint64_t number = 0;
  static constexpr std::string_view kName = "named.feed.done";
  static void visit(auto& self, auto&& v) { v("number", self.number); }
};

}  // namespace umaya::named
