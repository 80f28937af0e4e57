#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <set>

#include "libcommon/base/clock.h"
#include "named-lite/dns/types.h"
#include "named-lite/statistics/counts.h"
#include "named-lite/statistics/page.h"
#include "named-lite/statistics/report.h"

using namespace umaya;
using namespace umaya::named;
using namespace std::chrono_literals;

namespace {

std::string answer(unsigned flags, unsigned answers, unsigned authority) {
  std::string octets(12, '\0');
  auto put = [&](size_t at, unsigned value) {
    octets[at] = static_cast<char>(value >> 8);
    octets[at + 1] = static_cast<char>(value);
  };
  put(2, flags);
  put(6, answers);
  put(8, authority);
  return octets;
}

constexpr unsigned kResponse = 0x8000, kAuthority = 0x0400, kTruncated = 0x0200;

struct Filled {
  std::vector<StatisticsPage> pages;
  StatisticsReport report;
  Filled() {
    pages.push_back(*StatisticsPage::create());
    pages.push_back(*StatisticsPage::create());
    CountedQuestion question;
    question.type = type::kMx;
    for (auto& page : pages) {
      count_question(*page, question);
      count_answer(*page, answer(kResponse | kAuthority, 1, 0), 0, 7);
      page->add_latency(3us);
    }
    pages[1]->set(Count::cache_octets, 1000);
    report.version = "1";
    report.boot_time = 1795680000;
    report.now = report.config_time = 1795680001;
    report.pages = pages;
    report.views = {"_default", "in\"side\xFF"};
    ReportedZone zone;
    zone.name = "ex.test";
    zone.type = "primary";
    zone.serial = 4;
    zone.number = 7;
    report.zones = {zone};
  }
};

bool has(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("statistics page: what one process counts another one reads", "[named][statistics]") {
  auto page = StatisticsPage::create();
  REQUIRE(page);
  auto other = StatisticsPage::map(Fd(dup(page->fd())));
  REQUIRE(other);
  (*page)->add(Count::cache_hits);
  (*page)->add(Count::cache_hits, 2);
  CHECK((*other)->value(Count::cache_hits) == 3);
  CHECK((*other)->value(Count::cache_misses) == 0);
}

TEST_CASE("statistics page: what is no page, or may shrink, is refused", "[named][statistics]") {
  Fd small(memfd_create("small", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CHECK_FALSE(StatisticsPage::map(Fd(dup(small.get()))));
  REQUIRE(ftruncate(small.get(), sizeof(PageNumbers)) == 0);
  CHECK_FALSE(StatisticsPage::map(std::move(small)));
}

TEST_CASE("statistics page: memory that nobody counted in is not there", "[named][statistics]") {
  auto page = StatisticsPage::create();
  REQUIRE(page);
  count_answer(**page, answer(kResponse, 1, 0), 0, 0);
  count_answer(**page, answer(kResponse, 1, 0), 0, kMostZonesCounted - 1);
  struct stat status;
  REQUIRE(fstat(page->fd(), &status) == 0);
  CHECK(status.st_size > 4 << 20);
  CHECK(status.st_blocks * 512 < 64 << 10);
}

TEST_CASE("statistics: answers are counted by what their header says", "[named][statistics]") {
  auto page = StatisticsPage::create();
  REQUIRE(page);
  auto counted = [&](const std::string& octets, Count count) {
    uint64_t before = (*page)->value(count);
    count_answer(**page, octets, kNoView, kNoZone);
    return (*page)->value(count) - before;
  };
  CHECK(counted(answer(kResponse | kAuthority, 1, 0), Count::success) == 1);
  CHECK(counted(answer(kResponse | kAuthority, 0, 1), Count::nxrrset) == 1);
  CHECK(counted(answer(kResponse, 0, 2), Count::referral) == 1);
  CHECK(counted(answer(kResponse | 0x0080, 0, 1), Count::nxrrset) == 1);
  CHECK(counted(answer(kResponse | kTruncated, 0, 0), Count::success) == 1);
  CHECK(counted(answer(kResponse | kTruncated, 0, 0), Count::truncated) == 1);
  CHECK(counted(answer(kResponse | 1, 0, 0), Count::formerr) == 1);
  CHECK(counted(answer(kResponse | 2, 0, 0), Count::servfail) == 1);
  CHECK(counted(answer(kResponse | 3, 0, 1), Count::nxdomain) == 1);
  CHECK(counted(answer(kResponse | 5, 0, 0), Count::refused_query) == 1);
  CHECK(counted(answer(kResponse | 0x2000, 0, 0), Count::nxrrset) == 0);  // NOTIFY
  CHECK((*page)->rcodes[3].value() == 1);
  CHECK(counted("short", Count::responses) == 0);
  // A view or zone beyond what is counted one by one touches nothing else.
  count_answer(**page, answer(kResponse, 1, 0), PageNumbers::kViews, kMostZonesCounted);
}

TEST_CASE("statistics: types without a place of their own are counted together", "[named][statistics]") {
  CHECK(type_slot_text(type_slot(type::kMx)) == "MX");
  CHECK(type_slot_text(type_slot(type::kCaa)) == "CAA");
  CHECK(type_slot(258) == type_slot(65535));
  CHECK(type_slot_text(type_slot(65535)) == "others");
  CHECK(rcode_text(3) == "NXDOMAIN");
  CHECK(rcode_text(23) == "BADCOOKIE");
  CHECK(rcode_text(12) == "RESERVED12");
  CHECK(opcode_text(5) == "UPDATE");
  CHECK(opcode_text(3) == "RESERVED3");
}

TEST_CASE("statistics: a time is in the bucket of the next power of two", "[named][statistics]") {
  using H = Histogram<uint64_t>;
  CHECK(H::bucket_of(0) == 0);
  CHECK(H::bucket_of(1) == 0);
  CHECK(H::bucket_of(2) == 1);
  CHECK(H::bucket_of(3) == 2);
  CHECK(H::bucket_of(4) == 2);
  CHECK(H::bucket_of(5) == 3);
  CHECK(H::bucket_of(uint64_t{1} << 20) == 20);
  CHECK(H::bucket_of((uint64_t{1} << 20) + 1) == 21);
  CHECK(H::bucket_of(UINT64_MAX) == 21);
}

TEST_CASE("statistics: zones keep their numbers over reloads", "[named][statistics]") {
  ZoneNumbers numbers;
  CHECK(numbers.number("a", "ex") == 0);
  CHECK(numbers.number("b", "ex") == 1);
  CHECK(numbers.number("a", "ex") == 0);
  for (uint32_t i = 0; i < kMostZonesCounted; ++i) numbers.number("a", std::to_string(i));
  CHECK(numbers.number("a", "one more") == kNoZone);
  CHECK(numbers.number("b", "ex") == 1);
}

TEST_CASE("statistics: every count has a name, and those of one family stand together", "[named][statistics]") {
  std::set<std::string> json, families, series;
  std::string last;
  for (const CountInfo& info : count_infos()) {
    CHECK(json.insert(std::string(info.json)).second);
    CHECK(series.insert(std::string(info.metric) + std::string(info.labels)).second);
    if (info.metric != last) CHECK(families.insert(std::string(info.metric)).second);
    last = info.metric;
  }
  CHECK(json.size() == kCounts);
}

TEST_CASE("statistics: JSON has the sums of all processes in BIND's shape", "[named][statistics]") {
  Filled filled;
  std::string json = json_report(filled.report, ReportPart::all);
  CHECK(has(json, "\"boot-time\":\"2026-11-26T08:00:00.000Z\""));
  CHECK(has(json, "\"qtypes\":{\"MX\":2}"));
  CHECK(has(json, "\"rcodes\":{\"NOERROR\":2}"));
  CHECK(has(json, "\"Requestv4\":2,"));
  CHECK(has(json, "\"QrySuccess\":2,"));
  CHECK(has(json, "\"TreeMemInUse\":1000}"));
  CHECK(has(json, "\"sum-us\":6}"));
  CHECK(has(json,
            "\"zones\":[{\"name\":\"ex.test\",\"class\":\"IN\",\"type\":\"primary\",\"serial\":4,"
            "\"queries\":{\"queries\":2,\"success\":2}}]"));
  CHECK(has(json, "\"in\\\"side\\u00ff\":{"));
  CHECK_FALSE(has(json_report(filled.report, ReportPart::server), "\"views\""));
  CHECK_FALSE(has(json_report(filled.report, ReportPart::zones), "\"nsstats\""));
  CHECK(json_string("a\"\\\n\x7F\xC3\xA9") == "\"a\\\"\\\\\\u000a\\u007f\xC3\xA9\"");
}

TEST_CASE("statistics: Prometheus gets families with their labels", "[named][statistics]") {
  Filled filled;
  std::string text = prometheus_report(filled.report);
  CHECK(has(text, "# TYPE named_requests_total counter\nnamed_requests_total{family=\"ipv4\"} 2\n"));
  CHECK(has(text, "named_queries_total{type=\"MX\"} 2\n"));
  CHECK(has(text, "# TYPE named_cache_bytes gauge\nnamed_cache_bytes 1000\n"));
  CHECK(has(text, "named_response_seconds_bucket{le=\"2e-06\"} 0\n"));
  CHECK(has(text, "named_response_seconds_bucket{le=\"4e-06\"} 2\n"));
  CHECK(has(text, "named_response_seconds_bucket{le=\"+Inf\"} 2\n"));
  CHECK(has(text, "named_response_seconds_sum 6e-06\nnamed_response_seconds_count 2\n"));
  CHECK(has(text, "named_zone_serial{view=\"_default\",zone=\"ex.test\"} 4\n"));
  CHECK(has(text, "named_zone_queries_total{view=\"_default\",zone=\"ex.test\",result=\"success\"} 2\n"));
  CHECK(has(text, "named_view_queries_total{view=\"in\\\"side"));
}

TEST_CASE("statistics: the statistics-file gets what was counted", "[named][statistics]") {
  Filled filled;
  std::string text = text_report(filled.report);
  CHECK(text.starts_with("+++ Statistics Dump +++ (1795680001)\n++ Incoming Requests ++\n"));
  CHECK(has(text, "                   2 MX\n"));
  CHECK(has(text, "[ex.test (view: _default)]\n                   2 queries\n"));
  CHECK(text.ends_with("--- Statistics Dump --- (1795680001)\n"));
}
