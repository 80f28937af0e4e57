// LINK named-lite_core
// NAME    zone_transfer_fuzz - any stream of messages is refused or becomes a zone that can be compiled and checked
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "named-lite/transfer/zone_receiver.h"
#include "named-lite/zone/checker.h"
#include "named-lite/zone/record_text.h"

using namespace umaya::named;

/// Input: messages, each with its length in two octets before it, as on a connection.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Name zone = *Name::from_text("a.");
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  ZoneReceiver receiver(zone, 7, 1000);
  read_soa_answer(rest, zone, 7);
  while (rest.size() >= 2 && receiver.state() == ZoneReceiver::State::more) {
    size_t length = static_cast<size_t>(static_cast<unsigned char>(rest[0])) << 8 | static_cast<unsigned char>(rest[1]);
    receiver.take(rest.substr(2, length));
    rest.remove_prefix(std::min(rest.size(), 2 + length));
  }
  if (receiver.state() != ZoneReceiver::State::complete) return 0;
  RecordList records = receiver.release();
  ZoneImage image = compile_zone(records, 1);
  Problems problems;
  check_zone(records, image, problems);
  for (const Record& record : records.records()) record_text(records, record);
  return 0;
}
