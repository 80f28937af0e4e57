#include "named-lite/statistics/report.h"

#include <fmt/core.h>

#include <ctime>
#include <iterator>

#include "libcommon/base/strings.h"
#include "named-lite/statistics/counts.h"

namespace umaya::named {

namespace {

constexpr std::string_view kZoneCountNames[] = {"queries", "success", "nxdomain",  "servfail",
                                                "refused", "other",   "transfers", "updates"};
static_assert(std::size(kZoneCountNames) == kZoneCounts);

std::string iso_time(int64_t seconds) {
  time_t time = seconds;
  struct tm parts {};
  gmtime_r(&time, &parts);
  char text[40];
  size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
  return {text, size};
}

/// Objects and arrays, with commas where they belong.
class Json {
 public:
  void open(char bracket) {
    comma();
    out_ += bracket;
    fresh_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    fresh_ = false;
  }
  void key(std::string_view name) {
    comma();
    out_ += json_string(name);
    out_ += ':';
    fresh_ = true;
  }
  void value(uint64_t number) {
    comma();
    out_ += std::to_string(number);
  }
  void value(std::string_view text) {
    comma();
    out_ += json_string(text);
  }
  template <class T>
  void member(std::string_view name, const T& what) {
    key(name);
    value(what);
  }
  std::string take() { return std::move(out_); }

 private:
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }
  std::string out_;
  bool fresh_ = true;
};

template <class Text>
void write_used(Json& json, std::string_view name, std::span<const uint64_t> numbers, Text text) {
  json.key(name);
  json.open('{');
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] > 0) json.member(text(i), numbers[i]);
  }
  json.close('}');
}

void write_section(Json& json, std::string_view name, CountInfo::Section section, const StatisticsSum& sum) {
  json.key(name);
  json.open('{');
  for (size_t i = 0; i < kCounts; ++i) {
    const CountInfo& info = count_info(static_cast<Count>(i));
    if (info.section == section) json.member(info.json, sum.counts[i]);
  }
  json.close('}');
}

void write_histogram(Json& json, std::string_view name, const Histogram<uint64_t>& histogram) {
  json.key(name);
  json.open('{');
  json.key("buckets-us");
  json.open('[');
  for (size_t i = 0; i + 1 < histogram.kBuckets; ++i) json.value(uint64_t{1} << i);
  json.close(']');
  json.key("counts");
  json.open('[');
  for (uint64_t count : histogram.buckets) json.value(count);
  json.close(']');
  json.member("sum-us", histogram.microseconds);
  json.close('}');
}

void write_server(Json& json, const StatisticsSum& sum) {
  using enum CountInfo::Section;
  write_used(json, "opcodes", sum.opcodes, opcode_text);
  write_used(json, "rcodes", sum.rcodes, rcode_text);
  write_used(json, "qtypes", sum.types, type_slot_text);
  write_used(json, "upstream-qtypes", sum.upstream_types, type_slot_text);
  write_section(json, "nsstats", server, sum);
  write_section(json, "zonestats", zone, sum);
  write_section(json, "resstats", resolver, sum);
  write_section(json, "cachestats", cache, sum);
  write_histogram(json, "latency", sum.latency);
  write_histogram(json, "upstream-rtt", sum.upstream_rtt);
}

void write_zone(Json& json, const StatisticsReport& report, const ReportedZone& zone) {
  json.open('{');
  json.member("name", std::string_view(zone.name));
  json.member("class", std::string_view("IN"));
  json.member("type", zone.type);
  if (zone.serial) json.member("serial", uint64_t{*zone.serial});
  json.key("queries");
  json.open('{');
  for (size_t i = 0; i < kZoneCounts; ++i) {
    uint64_t sum = zone_sum(report.pages, zone.number, static_cast<ZoneCount>(i));
    if (sum > 0) json.member(kZoneCountNames[i], sum);
  }
  json.close('}');
  json.close('}');
}

void write_views(Json& json, const StatisticsReport& report, const StatisticsSum& sum) {
  json.key("views");
  json.open('{');
  for (size_t view = 0; view < report.views.size(); ++view) {
    json.key(report.views[view]);
    json.open('{');
    if (view < StatisticsSum::kViews) {
      json.key("queries");
      json.open('{');
      for (size_t i = 0; i < kZoneCounts; ++i) json.member(kZoneCountNames[i], sum.views[view][i]);
      json.close('}');
      json.member("cache-hits", sum.view_cache_hits[view]);
      json.member("cache-misses", sum.view_cache_misses[view]);
    }
    json.key("zones");
    json.open('[');
    for (const ReportedZone& zone : report.zones) {
      if (zone.view == view) write_zone(json, report, zone);
    }
    json.close(']');
    json.close('}');
  }
  json.close('}');
}

/// The text of Prometheus, family by family.
class Metrics {
 public:
  enum class Kind : unsigned char { counter, gauge, histogram };
  void family(std::string_view name, Kind kind, std::string_view help) {
    constexpr std::string_view kKinds[] = {"counter", "gauge", "histogram"};
    name_ = "named_" + std::string(name) + (kind == Kind::counter ? "_total" : "");
    out_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help, kKinds[static_cast<size_t>(kind)]);
  }
  void sample(std::string_view labels, uint64_t value, std::string_view suffix = {}) {
    out_ += fmt::format("{}{}{}{}{} {}\n", name_, suffix, labels.empty() ? "" : "{", labels, labels.empty() ? "" : "}",
                        value);
  }
  void histogram(std::string_view name, std::string_view help, const Histogram<uint64_t>& histogram) {
    family(name, Kind::histogram, help);
    uint64_t sum = 0;
    for (size_t i = 0; i + 1 < histogram.kBuckets; ++i) {
      sum += histogram.buckets[i];
      sample(fmt::format("le=\"{}\"", static_cast<double>(uint64_t{1} << i) / 1e6), sum, "_bucket");
    }
    sum += histogram.buckets[histogram.kBuckets - 1];
    sample("le=\"+Inf\"", sum, "_bucket");
    out_ += fmt::format("{}_sum {}\n", name_, static_cast<double>(histogram.microseconds) / 1e6);
    sample("", sum, "_count");
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::string name_;
};

/// A label with its value as Prometheus quotes it.
std::string label(std::string_view name, std::string_view value) {
  std::string text = std::string(name) + "=\"";
  for (char c : printable(value, true)) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

template <class Text>
void numbers_family(Metrics& metrics, std::string_view family, std::string_view label_name, std::string_view help,
                    std::span<const uint64_t> numbers, Text text) {
  metrics.family(family, Metrics::Kind::counter, help);
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] > 0) metrics.sample(label(label_name, text(i)), numbers[i]);
  }
}

void counts_families(Metrics& metrics, const StatisticsSum& sum) {
  std::string_view last;
  for (size_t i = 0; i < kCounts; ++i) {
    const CountInfo& info = count_info(static_cast<Count>(i));
    if (info.metric != last) {
      metrics.family(info.metric, info.gauge ? Metrics::Kind::gauge : Metrics::Kind::counter, info.what);
    }
    last = info.metric;
    metrics.sample(info.labels, sum.counts[i]);
  }
}

void view_families(Metrics& metrics, const StatisticsReport& report, const StatisticsSum& sum) {
  size_t views = std::min<size_t>(report.views.size(), StatisticsSum::kViews);
  metrics.family("view_queries", Metrics::Kind::counter, "Queries of a view by their outcome.");
  for (size_t view = 0; view < views; ++view) {
    for (size_t i = 1; i < kZoneCounts; ++i) {
      metrics.sample(label("view", report.views[view]) + "," + label("result", kZoneCountNames[i]), sum.views[view][i]);
    }
  }
  metrics.family("view_cache", Metrics::Kind::counter, "Questions of a view that the cache did and did not answer.");
  for (size_t view = 0; view < views; ++view) {
    metrics.sample(label("view", report.views[view]) + ",result=\"hit\"", sum.view_cache_hits[view]);
    metrics.sample(label("view", report.views[view]) + ",result=\"miss\"", sum.view_cache_misses[view]);
  }
}

void zone_families(Metrics& metrics, const StatisticsReport& report) {
  auto labels = [&](const ReportedZone& zone) {
    std::string_view view = zone.view < report.views.size() ? std::string_view(report.views[zone.view]) : "";
    return label("view", view) + "," + label("zone", zone.name);
  };
  metrics.family("zone_serial", Metrics::Kind::gauge, "Serial of a zone in service.");
  for (const ReportedZone& zone : report.zones) {
    if (zone.serial) metrics.sample(labels(zone), *zone.serial);
  }
  metrics.family("zone_queries", Metrics::Kind::counter, "Queries of a zone by their outcome.");
  for (const ReportedZone& zone : report.zones) {
    for (size_t i = 1; i < kZoneCounts; ++i) {
      uint64_t value = zone_sum(report.pages, zone.number, static_cast<ZoneCount>(i));
      if (value > 0) metrics.sample(labels(zone) + "," + label("result", kZoneCountNames[i]), value);
    }
  }
}

}  // namespace

std::string json_string(std::string_view text) {
  bool utf8 = valid_utf8(text);
  std::string out = "\"";
  for (char c : text) {
    auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7F || (octet >= 0x80 && !utf8)) {
      out += fmt::format("\\u{:04x}", octet);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json_report(const StatisticsReport& report, ReportPart part) {
  StatisticsSum sum = sum_of(report.pages);
  Json json;
  json.open('{');
  json.member("json-stats-version", std::string_view("1.7"));
  json.member("boot-time", std::string_view(iso_time(report.boot_time)));
  json.member("config-time", std::string_view(iso_time(report.config_time)));
  json.member("current-time", std::string_view(iso_time(report.now)));
  json.member("version", std::string_view(report.version));
  if (part == ReportPart::all || part == ReportPart::server) write_server(json, sum);
  if (part == ReportPart::all || part == ReportPart::zones) write_views(json, report, sum);
  json.close('}');
  return json.take() + "\n";
}

std::string prometheus_report(const StatisticsReport& report) {
  StatisticsSum sum = sum_of(report.pages);
  Metrics metrics;
  metrics.family("boot_time_seconds", Metrics::Kind::gauge, "When the server was started, seconds since 1970.");
  metrics.sample("", static_cast<uint64_t>(report.boot_time));
  metrics.family("config_time_seconds", Metrics::Kind::gauge, "When it read its configuration last.");
  metrics.sample("", static_cast<uint64_t>(report.config_time));
  counts_families(metrics, sum);
  numbers_family(metrics, "opcodes", "opcode", "Requests by opcode.", sum.opcodes, opcode_text);
  numbers_family(metrics, "queries", "type", "Queries by type.", sum.types, type_slot_text);
  numbers_family(metrics, "responses", "rcode", "Answers by rcode.", sum.rcodes, rcode_text);
  numbers_family(metrics, "upstream_queries_by_type", "type", "Queries to other servers by type.", sum.upstream_types,
                 type_slot_text);
  metrics.histogram("response_seconds", "From question to answer.", sum.latency);
  metrics.histogram("upstream_rtt_seconds", "Until other servers answered.", sum.upstream_rtt);
  view_families(metrics, report, sum);
  zone_families(metrics, report);
  return metrics.take();
}

std::string text_report(const StatisticsReport& report) {
  StatisticsSum sum = sum_of(report.pages);
  std::string text = fmt::format("+++ Statistics Dump +++ ({})\n", report.now);
  auto numbers = [&](std::string_view title, std::span<const uint64_t> values, auto name) {
    text += fmt::format("++ {} ++\n", title);
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] > 0) text += fmt::format("{:>20} {}\n", values[i], name(i));
    }
  };
  numbers("Incoming Requests", sum.opcodes, opcode_text);
  numbers("Incoming Queries", sum.types, type_slot_text);
  numbers("Outgoing Rcodes", sum.rcodes, rcode_text);
  numbers("Name Server Statistics", sum.counts, [](size_t i) {
    const CountInfo& info = count_info(static_cast<Count>(i));
    return std::string(info.json) + ": " + std::string(info.what) +
           (info.labels.empty() ? "" : " (" + std::string(info.labels) + ")");
  });
  text += "++ Per Zone Query Statistics ++\n";
  for (const ReportedZone& zone : report.zones) {
    std::string lines;
    for (size_t i = 0; i < kZoneCounts; ++i) {
      uint64_t value = zone_sum(report.pages, zone.number, static_cast<ZoneCount>(i));
      if (value > 0) lines += fmt::format("{:>20} {}\n", value, kZoneCountNames[i]);
    }
    if (lines.empty()) continue;
    text +=
        "[" + zone.name + (zone.view < report.views.size() ? " (view: " + report.views[zone.view] + ")" : "") + "]\n";
    text += lines;
  }
  return text + fmt::format("--- Statistics Dump --- ({})\n", report.now);
}

}  // namespace umaya::named
