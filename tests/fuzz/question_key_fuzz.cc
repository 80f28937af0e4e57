// LINK named-lite_core
// NAME    question_key_fuzz - the glance at a packet agrees with the reading of it
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "named-lite/answer/query.h"
#include "named-lite/query/question_key.h"

using namespace umaya::named;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view packet(reinterpret_cast<const char*>(data), size);
  std::array<char, kMaxName> room;
  AnswerKey key;
  bool glanced = read_key(packet, room, key);
  if (glanced && (key.name.data() != room.data() || key.name.size() > room.size())) std::abort();
  Query query;
  bool ordinary =
      parse_query(packet, query) == ParsedAs::answer && query.has_question && query.rcode == rcode::kNoError;
  if (!ordinary) return 0;
  if (!glanced || key.name != query.lower_name() || key.type != query.type) std::abort();
  return 0;
}
