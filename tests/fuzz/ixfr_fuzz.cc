// LINK named-lite_core
// NAME    ixfr_fuzz - any stream of messages is refused, or becomes steps that fit or do not fit a zone
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "named-lite/transfer/expire_option.h"
#include "named-lite/transfer/ixfr_receiver.h"
#include "named-lite/transfer/transfer_question.h"
#include "named-lite/zone/change_image.h"
#include "named-lite/zone/merge_changes.h"
#include "named-lite/zone/zone_text.h"

using namespace umaya;
using namespace umaya::named;

namespace {

/// Serial 5 of "a.", small and changed in place.
ImagePtr zone() {
  static const ImagePtr image = [] {
    Problems problems;
    ZoneTextOptions options{*Name::from_text("a."), {}};
    RecordList records = parse_zone_text(
        "$TTL 60\n@ SOA n r 5 2 3 4 5\n@ NS n\nn A 192.0.2.1\nd NS n.d\nn.d A 192.0.2.2\n", "z", options, problems);
    return std::make_shared<const ZoneImage>(compile_zone(records, 1));
  }();
  return image;
}

/// Questions, too, carry a SOA.
void read_question(std::string_view packet) {
  Query query;
  if (parse_query(packet, query) == ParsedAs::drop || !query.has_question || query.rcode != 0) return;
  serial_in_question(packet, query);
  serial_in_notify(packet, query);
}

}  // namespace

/// Input: messages, each with its length in two octets before it, as on a connection.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  IxfrReceiver::Limits limits;
  limits.zone_records = limits.step_records = 1000;
  IxfrReceiver receiver(*Name::from_text("a."), 7, 5, limits);
  expire_in_answer(rest);
  read_question(rest);
  while (rest.size() >= 2 && receiver.state() == IxfrReceiver::State::more) {
    size_t length = static_cast<size_t>(static_cast<unsigned char>(rest[0])) << 8 | static_cast<unsigned char>(rest[1]);
    receiver.take(rest.substr(2, length));
    rest.remove_prefix(std::min(rest.size(), 2 + length));
  }
  bool steps = receiver.state() == IxfrReceiver::State::complete && receiver.content() == IxfrReceiver::Content::steps;
  if (!steps) return 0;
  std::vector<ZoneChange> changes = receiver.release_steps();
  if (!check_steps(changes)) return 0;
  for (size_t large : {size_t{1}, kLargeZone}) {
    auto next = apply_change(zone(), merge_changes(changes), large);
    if (next && !(*next)->validate()) abort();
  }
  return 0;
}
