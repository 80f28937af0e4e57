#include "named-lite/zone/image.h"

#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <set>

#include "libcommon/base/fd.h"
#include "named-lite/dns/wire.h"
#include "tests/named-lite/zone_support.h"

using namespace umaya;
using namespace umaya::named;
using namespace umaya::named::testing;

namespace {

constexpr const char* kHead = "$TTL 60\n@ SOA ns1 root 7 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n";

const Node* find(const ZoneImage& image, const std::string& owner) {
  std::string lower(name(owner).lower().wire());
  SuffixHashes hashes(lower, image.seed());
  return image.find(lower, hashes.hash(hashes.labels()));
}

std::vector<std::string> names_in_order(const ZoneImage& image) {
  std::vector<std::string> names;
  uint64_t cursor = 0;
  while (const Node* node = image.next(cursor)) names.push_back(name_text(image.written_name(*node)));
  return names;
}

std::string many_names(size_t count) {
  std::string text = kHead;
  for (size_t i = 0; i < count; ++i) text += "h" + std::to_string(i) + " A 10.0.0.1\n";
  return text;
}

Fd memfd_with(std::string_view bytes, size_t before) {
  Fd fd(memfd_create("test", MFD_CLOEXEC));
  REQUIRE(ftruncate(fd.get(), static_cast<off_t>(before)) == 0);
  REQUIRE(pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(before)) ==
          static_cast<ssize_t>(bytes.size()));
  return fd;
}

}  // namespace

TEST_CASE("image: every name is found, and none that is not there") {
  Checked zone = check("big.test.", many_names(5000));
  REQUIRE(zone.text().empty());
  for (int i = 0; i < 5000; ++i) REQUIRE(find(*zone.image, "h" + std::to_string(i) + ".big.test.") != nullptr);
  for (int i = 5000; i < 9000; ++i) REQUIRE(find(*zone.image, "h" + std::to_string(i) + ".big.test.") == nullptr);
  REQUIRE(zone.image->header().node_count == 5002);
  REQUIRE(names_in_order(*zone.image).size() == 5002);
  REQUIRE(zone.image->validate());
}

TEST_CASE("image: a million names take less than 60 octets each") {
  Checked zone = check("bench.test.", many_names(50000));
  REQUIRE(zone.image->bytes().size() / 50000.0 < 60);
}

TEST_CASE("image: a compiled zone is walked in the order of the file, the apex first") {
  Checked zone = check("z.test.", std::string(kHead) + "b.c A 192.0.2.2\na TXT x\n");
  REQUIRE(names_in_order(*zone.image) == Lines{"z.test.", "ns1.z.test.", "c.z.test.", "b.c.z.test.", "a.z.test."});
}

TEST_CASE("image: owners keep the case in which they were written, and are found without regard to it") {
  Checked zone = check("z.test.", std::string(kHead) + "WWW.Sub A 192.0.2.2\nwww.sub TXT x\n");
  REQUIRE(names_in_order(*zone.image) == Lines{"z.test.", "ns1.z.test.", "Sub.z.test.", "WWW.Sub.z.test."});
  const Node* node = find(*zone.image, "wWw.sUb.z.test.");
  REQUIRE(node != nullptr);
  REQUIRE(node->rrset_count == 2);
  REQUIRE(name_text(zone.image->name(*node)) == "www.sub.z.test.");
}

TEST_CASE("image: nodes know their children, their wildcard and the cut above them") {
  Checked zone = check("z.test.", std::string(kHead) +
                                      "*.w A 192.0.2.2\na.w A 192.0.2.2\nsub NS ns.sub\nns.sub A 192.0.2.3\n"
                                      "d DNAME w\nx.d TXT occluded\n");
  REQUIRE(find(*zone.image, "w.z.test.")->children() == 2);
  REQUIRE(find(*zone.image, "a.w.z.test.")->children() == 0);
  REQUIRE((find(*zone.image, "w.z.test.")->flags & Node::kHasWildcard) != 0);
  const Node* cut = find(*zone.image, "sub.z.test.");
  for (const char* below : {"sub.z.test.", "ns.sub.z.test."}) {
    std::string lower(name(below).wire());
    SuffixHashes hashes(lower, zone.image->seed());
    REQUIRE(zone.image->above(*find(*zone.image, below), hashes) == cut);
  }
  std::string lower(name("x.d.z.test.").wire());
  SuffixHashes hashes(lower, zone.image->seed());
  REQUIRE(zone.image->above(*find(*zone.image, "x.d.z.test."), hashes) == find(*zone.image, "d.z.test."));
  REQUIRE(find(*zone.image, "d.z.test.")->above == 0);
  REQUIRE(zone.image->validate());
}

TEST_CASE("image: another process maps it from any place of a file") {
  Checked zone = check("z.test.", std::string(kHead) + "www A 192.0.2.2\n@ MX 10 www\n");
  for (size_t before : {0, 64, 4096, 10048}) {
    Fd fd = memfd_with(zone.image->bytes(), before);
    auto mapped = ZoneImage::map(fd.get(), before, zone.image->bytes().size());
    REQUIRE(mapped);
    fd.reset();
    REQUIRE((*mapped)->validate());
    REQUIRE((*mapped)->header().serial == 7);
    Catalog catalog(7);
    catalog.add({std::string(name("z.test.").wire()), *mapped});
    AnswerContext context;
    context.catalog = &catalog;
    std::string out(kMostAnswer, '\0');
    out.resize(answer_packet(question("z.test.", type::kMx, 0x0100), context, out));
    REQUIRE(decode(out).sections[2] == Lines{"www.z.test. A 192.0.2.2"});
  }
}

TEST_CASE("image: a large one lies in a memfd that others map and nobody can shorten") {
  Checked zone = check("big.test.", many_names(40000));
  int fd = zone.image->memory().fd();
  REQUIRE(fd >= 0);
  auto mapped = ZoneImage::map(fd, 0, zone.image->bytes().size());
  REQUIRE(mapped);
  REQUIRE((*mapped)->bytes() == zone.image->bytes());
  REQUIRE(find(**mapped, "h39999.big.test.") != nullptr);
  REQUIRE(ftruncate(fd, 4096) == -1);
  REQUIRE(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  REQUIRE(pwrite(fd, "x", 1, 0) == -1);
}

TEST_CASE("image: what is cut off, of another version or damaged in its header is refused") {
  Checked zone = check("z.test.", kHead);
  std::string sound(zone.image->bytes());
  auto refused = [](const std::string& bytes) {
    Fd fd = memfd_with(bytes, 0);
    return !ZoneImage::map(fd.get(), 0, bytes.size());
  };
  REQUIRE_FALSE(refused(sound));
  for (size_t size = 8; size < sound.size(); size += 8) REQUIRE(refused(sound.substr(0, size)));
  REQUIRE(refused(sound + std::string(8, '\0')));
  auto with = [&](size_t field, uint32_t value) {
    std::string bytes = sound;
    std::memcpy(bytes.data() + bytes.size() - sizeof(ZoneImage::Header) + field, &value, sizeof value);
    return bytes;
  };
  REQUIRE(refused(with(offsetof(ZoneImage::Header, magic), 1)));
  REQUIRE(refused(with(offsetof(ZoneImage::Header, version), 1)));
  REQUIRE(refused(with(offsetof(ZoneImage::Header, size), 64)));
  REQUIRE(refused(with(offsetof(ZoneImage::Header, directory), 0xFFFFFFF0)));
  REQUIRE(refused(with(offsetof(ZoneImage::Header, bucket_count), 0)));
  REQUIRE(refused(with(offsetof(ZoneImage::Header, bucket_count), 0x7FFFFFFF)));
  REQUIRE(refused(with(offsetof(ZoneImage::Header, apex), 0xFFFFFFFC)));
  REQUIRE(refused(with(offsetof(ZoneImage::Header, apex_size), 0)));
  Fd fd = memfd_with(sound, 0);
  REQUIRE_FALSE(ZoneImage::map(fd.get(), 0, sound.size() + 4096));
  REQUIRE_FALSE(ZoneImage::map(fd.get(), 32, sound.size() - 32));
}

TEST_CASE("image: each damaged octet is found by validate() or does no harm to a walk") {
  Checked zone =
      check("z.test.", std::string(kHead) + "*.w MX 1 Mail\nsub NS ns.sub\nns.sub A 192.0.2.3\nmail A 192.0.2.9\n");
  std::string sound(zone.image->bytes());
  size_t accepted = 0;
  for (size_t at = 0; at < sound.size(); ++at) {
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x41);
    auto memory = ImageMemory::create(bytes.size());
    bytes.copy(memory->writable(), bytes.size());
    auto image = ZoneImage::adopt(memory, bytes.size());
    if (!image || !(*image)->validate()) continue;
    ++accepted;
    for (const std::string& each : names_in_order(**image)) REQUIRE(!each.empty());
  }
  REQUIRE(accepted < sound.size());
}

TEST_CASE("image: a name with more than 255 types is an error, not a smaller zone (D27)") {
  std::string text = kHead;
  for (int i = 0; i < 300; ++i) text += "many TYPE" + std::to_string(1000 + i) + " \\# 0\n";
  Checked zone = check("z.test.", text);
  REQUIRE(zone.problems.has_errors());
  REQUIRE(zone.text().find("255 types") != std::string::npos);
}

TEST_CASE("image: the target of SVCB and HTTPS is a name within their data, however long those are") {
  std::string parameters;
  for (int i = 0; i < 20; ++i) parameters += "0102030405060708090a0b0c0d0e0f10";
  // Priority 1, target ns1.ex.test., key 65280 with 320 octets.
  std::string text =
      kHead + std::string("@ TYPE65 \\# 339 0001 036e7331026578047465737400 ff00 0140 ") + parameters + "\n";
  Checked zone = check("ex.test.", text);
  CHECK(zone.text() == "");
  const Node* apex = find(*zone.image, "ex.test.");
  REQUIRE(apex != nullptr);
  const RrsetEntry* entry = apex->find(type::kHttps);
  REQUIRE(entry != nullptr);
  CHECK(zone.image->target(*apex, *entry, 0) == find(*zone.image, "ns1.ex.test."));
  // Nothing but "one" "two" in the data: the target would be longer than they are.
  Checked bad = check("ex.test.", kHead + std::string("@ HTTPS \\# 8 036f6e650374776f\n"));
  CHECK(bad.text().find("these octets are not the data of a record of type HTTPS") != std::string::npos);
  std::string data;
  CHECK_FALSE(expand_rdata(type::kHttps, std::string(12, '\0') + "\3one\3two", 12, 20, data));
}
