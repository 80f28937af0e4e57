// LINK umaya_dns
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/dns/message.h"
#include "libcommon/dns/mx_order.h"

// Whatever a name server sends: reading it ends, the limits hold, and what is taken for MX hosts can be asked for.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya::dns;
  auto message = parse_message({reinterpret_cast<const char*>(data), size});
  if (!message) return 0;
  if (message->answers.size() > kMaxRecords + kMaxAliases) std::abort();
  Query query{.id = message->id, .name = message->question, .type = message->question_type};
  Answer answer = interpret(*message, query);
  if (answer.records.size() > kMaxRecords) std::abort();
  if (answer.found() == answer.records.empty()) std::abort();
  if (!build_query(query)) std::abort();  // a name that was read can be written
  for (const Mx& mx : sort_mx(answer.records, [](uint64_t n) { return n - 1; })) {
    if (!build_query({.name = mx.name, .type = Type::a})) std::abort();
  }
  return 0;
}
