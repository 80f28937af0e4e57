// NAME    log_messages - how lines for the log reach the process that has files
//
// DESCRIPTION
//     Lines are gathered to a LogBatch. A sender has kMostUntaken of them on their way, which LogTaken answers; what
//     comes beyond that is dropped and counted in the next batch. LogOrders tells a process what it has to write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/log/log.h"
#include "named-lite/logging/category.h"

namespace umaya::named {

struct LogRecord {
  Category category = Category::general;
  log::Level level = log::Level::info;
  int64_t time = 0;  ///< milliseconds since 1970
  std::string text;
  static constexpr std::string_view kName = "named.log.record";
  static void visit(auto& self, auto&& v) {
    v("category", self.category);
    v("level", self.level);
    v("time", self.time);
    v("text", self.text);
  }
};

struct LogBatch {
  static constexpr size_t kMostOctets = size_t{32} << 10;
  static constexpr size_t kMostUntaken = 16;
  uint64_t dropped = 0;  ///< lines since the batch before
  std::vector<LogRecord> records;
  static constexpr std::string_view kName = "named.log.batch";
  static void visit(auto& self, auto&& v) {
    v("dropped", self.dropped);
    v("records", self.records);
  }
};

/// A batch has been written.
struct LogTaken {
  bool taken = true;
  static constexpr std::string_view kName = "named.log.taken";
  static void visit(auto& self, auto&& v) { v("taken", self.taken); }
};

/// To a query process or the recursion process.
struct LogOrders {
  bool forward = false;   ///< ordinary lines, too, go to the process with the files
  bool queries = false;   ///< each question has a line
  bool security = false;  ///< and so has each that is refused
  bool errors = false;    ///< and each that fails
  uint32_t debug = 0;
  static constexpr std::string_view kName = "named.log.orders";
  static void visit(auto& self, auto&& v) {
    v("forward", self.forward);
    v("queries", self.queries);
    v("security", self.security);
    v("errors", self.errors);
    v("debug", self.debug);
  }
  bool watches_queries() const { return queries || security || errors; }
};

}  // namespace umaya::named
