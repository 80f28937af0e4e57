#include "named-lite/statistics/page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace umaya::named {

namespace {

constexpr size_t kHeader = 12;

/// The header of an answer, as far as it is counted.
struct Header {
  explicit Header(std::string_view answer)
      : flags(number(answer, 2)), answers(number(answer, 6)), authority(number(answer, 8)) {}
  static unsigned number(std::string_view octets, size_t at) {
    return static_cast<unsigned>(static_cast<unsigned char>(octets[at])) << 8 |
           static_cast<unsigned char>(octets[at + 1]);
  }
  unsigned opcode() const { return flags >> 11 & 15; }
  unsigned rcode() const { return flags & 15; }
  bool authoritative() const { return (flags & 0x0400) != 0; }
  bool truncated() const { return (flags & 0x0200) != 0; }
  bool recursion_desired() const { return (flags & 0x0100) != 0; }
  bool recursion_available() const { return (flags & 0x0080) != 0; }

  unsigned flags, answers, authority;
};

Count outcome(const Header& header) {
  switch (header.rcode()) {
    case 1:
      return Count::formerr;
    case 2:
      return Count::servfail;
    case 3:
      return Count::nxdomain;
    case 5:  // as with BIND, by what was wanted
      return header.recursion_desired() ? Count::refused_recursion : Count::refused_query;
    default:
      break;
  }
  if (header.answers > 0 || header.truncated()) return Count::success;
  bool referral = !header.authoritative() && !header.recursion_available() && header.authority > 0;
  return referral ? Count::referral : Count::nxrrset;
}

ZoneCount zone_outcome(unsigned rcode) {
  switch (rcode) {
    case 0:
      return ZoneCount::success;
    case 2:
      return ZoneCount::servfail;
    case 3:
      return ZoneCount::nxdomain;
    case 5:
      return ZoneCount::refused;
    default:
      return ZoneCount::other;
  }
}

/// Adds each number of a page; both are arrays of numbers that are laid out alike.
template <size_t N>
void add_all(uint64_t (&to)[N], const Counter (&from)[N]) {
  for (size_t i = 0; i < N; ++i) to[i] += from[i].value();
}

void add_all(Histogram<uint64_t>& to, const Histogram<Counter>& from) {
  add_all(to.buckets, from.buckets);
  to.microseconds += from.microseconds.value();
}

}  // namespace

Result<StatisticsPage> StatisticsPage::create() {
  Fd fd(memfd_create("named-lite-statistics", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return sys_error("memfd_create");
  if (ftruncate(fd.get(), sizeof(PageNumbers)) != 0) return sys_error("ftruncate");
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return sys_error("F_ADD_SEALS");
  return map(std::move(fd));
}

Result<StatisticsPage> StatisticsPage::map(Fd fd) {
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return sys_error("fstat");
  // It must not become smaller later: reading would end the process.
  int seals = fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || static_cast<size_t>(status.st_size) != sizeof(PageNumbers)) {
    return permanent("this is no page of statistics");
  }
  void* memory = mmap(nullptr, sizeof(PageNumbers), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return sys_error("mmap");
  return StatisticsPage(std::move(fd), static_cast<PageNumbers*>(memory));
}

StatisticsPage::~StatisticsPage() {
  if (numbers_ != nullptr) munmap(numbers_, sizeof(PageNumbers));
}

void count_answer(PageNumbers& page, std::string_view answer, uint32_t view, uint32_t zone) {
  if (answer.size() < kHeader) return;
  Header header(answer);
  page.add(Count::responses);
  page.rcodes[header.rcode()].add();
  if (header.truncated()) page.add(Count::truncated);
  if (header.opcode() != 0) return;
  page.add(outcome(header));
  page.add(header.authoritative() ? Count::authoritative : Count::not_authoritative);
  auto count = [&](Counter(&numbers)[kZoneCounts]) {
    numbers[static_cast<size_t>(ZoneCount::queries)].add();
    numbers[static_cast<size_t>(zone_outcome(header.rcode()))].add();
  };
  if (view < PageNumbers::kViews) count(page.views[view]);
  if (zone < kMostZonesCounted) count(page.zones[zone]);
}

uint32_t ZoneNumbers::number(std::string_view view, std::string_view zone) {
  std::pair<std::string, std::string> key{view, zone};
  auto known = numbers_.find(key);
  if (known != numbers_.end()) return known->second;
  if (numbers_.size() >= kMostZonesCounted) return kNoZone;
  auto next = static_cast<uint32_t>(numbers_.size());
  numbers_.emplace(std::move(key), next);
  return next;
}

StatisticsSum sum_of(std::span<const StatisticsPage> pages) {
  StatisticsSum sum{};
  for (const StatisticsPage& page : pages) {
    add_all(sum.counts, page->counts);
    add_all(sum.types, page->types);
    add_all(sum.opcodes, page->opcodes);
    add_all(sum.rcodes, page->rcodes);
    add_all(sum.upstream_types, page->upstream_types);
    add_all(sum.latency, page->latency);
    add_all(sum.upstream_rtt, page->upstream_rtt);
    for (size_t i = 0; i < StatisticsSum::kViews; ++i) add_all(sum.views[i], page->views[i]);
    add_all(sum.view_cache_hits, page->view_cache_hits);
    add_all(sum.view_cache_misses, page->view_cache_misses);
  }
  return sum;
}

uint64_t zone_sum(std::span<const StatisticsPage> pages, uint32_t zone, ZoneCount count) {
  uint64_t sum = 0;
  if (zone >= kMostZonesCounted) return 0;
  for (const StatisticsPage& page : pages) sum += page->zones[zone][static_cast<size_t>(count)].value();
  return sum;
}

}  // namespace umaya::named
