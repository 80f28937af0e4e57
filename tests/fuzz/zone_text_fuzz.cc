// LINK named-lite_core
// NAME    zone_text_fuzz - any text is read without harm, and what is fit to be served answers every question
#include <cstdint>
#include <string>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/zone/checker.h"
#include "named-lite/zone/record_text.h"
#include "named-lite/zone/zone_text.h"

using namespace umaya::named;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Problems problems;
  Name apex = *Name::from_text("a.");
  OpenFile included = [](std::string_view) -> umaya::Result<std::string> { return std::string("i A 1.2.3.4\n"); };
  RecordList records = parse_zone_text(text, "z", {apex, included, 100}, problems);
  auto image = std::make_shared<const ZoneImage>(compile_zone(records, 1));
  check_zone(records, *image, problems);
  for (const Problem& problem : problems.all()) (void)problem.text();
  size_t shown = 0;
  for (const Record& record : records.records()) {
    if (++shown > 50) break;
    (void)record_text(records, record);
  }
  if (problems.has_errors()) return 0;
  Catalog catalog(1);
  catalog.add({std::string(apex.wire()), image});
  AnswerContext context;
  context.catalog = &catalog;
  static char out[kMostAnswer];
  shown = 0;
  for (const Record& record : records.records()) {
    if (++shown > 50) break;
    for (uint16_t type : {record.type, uint16_t{1}, uint16_t{15}, uint16_t{255}}) {
      std::string packet("\0\1\0\0\0\1\0\0\0\0\0\0", 12);
      packet += "\1q" + std::string(records.owner(record));
      if (packet.size() > 12 + kMaxName) continue;
      packet += {static_cast<char>(type >> 8), static_cast<char>(type), 0, 1};
      for (size_t drop : {size_t{0}, size_t{2}}) {
        std::string question = packet.substr(0, 12) + packet.substr(12 + drop);
        answer_packet(question, context, out);
      }
    }
  }
  return 0;
}
