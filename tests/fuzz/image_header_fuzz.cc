// LINK named-lite_core
// NAME    image_header_fuzz - what is taken for an image of a zone can be walked through and answered from
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/zone/zone_text.h"

using namespace umaya::named;

namespace {

constexpr std::string_view kZone =
    "$TTL 60\n@ SOA ns1 root 1 2 3 4 5\n@ NS ns1\n@ MX 10 Mail\nns1 A 192.0.2.1\nMail AAAA ::1\nwww CNAME mail\n"
    "*.w MX 5 x.w\nsub NS ns.sub\nns.sub A 192.0.2.2\nd DNAME t\nh.t A 192.0.2.3\n_x._tcp SRV 1 2 3 mail\n";

const ZoneImage& sound_image() {
  static const ZoneImage& made = [] -> const ZoneImage& {
    Problems problems;
    RecordList records = parse_zone_text(kZone, "z", {*Name::from_text("a."), {}}, problems);
    static ZoneImage image = compile_zone(records, 1);
    return image;
  }();
  return made;
}

/// Changes octets of a sound image: each four of the input are a place (from the end) and a value.
std::string damaged(std::string_view input) {
  std::string bytes(sound_image().bytes());
  for (; input.size() >= 4; input.remove_prefix(4)) {
    size_t place =
        static_cast<size_t>(static_cast<unsigned char>(input[0])) << 8 | static_cast<unsigned char>(input[1]);
    char& octet = bytes[bytes.size() - 1 - place % bytes.size()];
    octet = input[2] == 0 ? input[3] : static_cast<char>(octet + input[3]);
  }
  return bytes;
}

void walk(const ImagePtr& image) {
  Catalog catalog(1);
  catalog.add({std::string(image->apex_name()), image});
  AnswerContext context;
  context.catalog = &catalog;
  context.transport = Transport::tcp;
  static char out[kMostAnswer];
  uint64_t cursor = 0;
  while (const Node* node = image->next(cursor)) {
    OwnerName name = image->name(*node);
    for (size_t i = 0; i < size_t{node->rrset_count} + 1; ++i) {
      uint16_t type = i < node->rrset_count ? node->rrsets()[i].type : 255;
      std::string packet("\0\1\0\0\0\1\0\0\0\0\0\0", 12);
      packet += std::string_view(name);
      packet += {static_cast<char>(type >> 8), static_cast<char>(type), 0, 1};
      answer_packet(packet, context, out);
      if (name.size > kMaxName - 2) continue;
      answer_packet(packet.substr(0, 12) + "\1q" + packet.substr(12), context, out);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  std::string bytes = (data[0] & 1) != 0 ? std::string(input) : damaged(input);
  if (bytes.empty()) return 0;
  auto memory = ImageMemory::create(bytes.size());
  bytes.copy(memory->writable(), bytes.size());
  auto image = ZoneImage::adopt(memory, bytes.size());
  if (image && (*image)->validate()) walk(*image);
  return 0;
}
