// NAME    report - statistics as JSON, as Prometheus' text, and as lines for the statistics-file
//
// DESCRIPTION
//     JSON has the shape of BIND's channel (/json/v1), as far as the same is counted:
//         {"json-stats-version": "1.7", "boot-time": ISO 8601, "config-time": …, "current-time": …, "version": …,
//          "opcodes": {"QUERY": n}, "rcodes": {"NOERROR": n}, "qtypes": {"MX": n},
//          "nsstats": {"Requestv4": n, …}, "zonestats": {…}, "resstats": {…}, "cachestats": {…},
//          "latency": {"buckets-us": [1, 2, 4, …], "counts": […], "sum-us": n}, "upstream-rtt": the same,
//          "views": {"_default": {"queries": {"queries": n, "success": n, …},
//                                 "zones": [{"name": "ex.test", "class": "IN", "type": "primary", "serial": n,
//                                            "queries": {…}}]}}}
//     Zeros are left out of opcodes, rcodes, qtypes and zones. The Prometheus text is version 0.0.4; all names begin
//     with named_, and counts end in _total.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "named-lite/statistics/page.h"

namespace umaya::named {

struct ReportedZone {
  size_t view = 0;   ///< in StatisticsReport::views
  std::string name;  ///< "ex.test", "." for the root
  std::string_view type;
  std::optional<uint32_t> serial;
  uint32_t number = kNoZone;
};

/// All that a report says; borrows the pages.
struct StatisticsReport {
  std::string version;
  int64_t boot_time = 0;  ///< seconds since 1970, as the next
  int64_t config_time = 0;
  int64_t now = 0;
  std::span<const StatisticsPage> pages;
  std::vector<std::string> views;
  std::vector<ReportedZone> zones;
};

enum class ReportPart : unsigned char { all, server, zones, status };

std::string json_report(const StatisticsReport& report, ReportPart part);
std::string prometheus_report(const StatisticsReport& report);
/// What `ndc stats` appends to the statistics-file.
std::string text_report(const StatisticsReport& report);

/// With quotes; octets that are no UTF-8 become code points of the same number.
std::string json_string(std::string_view text);

}  // namespace umaya::named
