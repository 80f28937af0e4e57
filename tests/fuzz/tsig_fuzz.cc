// LINK named-lite_core
// NAME    tsig_fuzz - any message has no TSIG record, a malformed one, or one that verifying and answering can take
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "named-lite/dns/tsig.h"

using namespace umaya::named;

namespace {

const TsigKeys& keys() {
  static const TsigKeys made = [] {
    TsigKey key;
    key.name = *Name::from_text("k.");
    key.secret = "secret";
    return TsigKeys{key};
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kNow = 1'700'000'000;
  std::string_view message(reinterpret_cast<const char*>(data), size);
  TsigRecord record;
  if (find_tsig(message, record) == TsigFound::yes) {
    if (record.offset < 12 || record.offset >= size) abort();
    TsigCheck check = verify_request(message, record, keys(), kNow);
    std::string answer(message.substr(0, 12));
    answer.replace(4, 8, 8, '\0');
    TsigSigner signer(check);
    size_t room = signer.room();
    if (!signer.sign(answer, kNow) || answer.size() > 12 + room) abort();
    TsigRecord again;
    if (find_tsig(answer, again) != TsigFound::yes) abort();
  }
  TsigStream stream(keys()[0], "mac of the request");
  for (int i = 0; i < 2; ++i) {
    if (auto taken = stream.take(message, kNow); taken && find_tsig(message, record) != TsigFound::yes) abort();
  }
  return 0;
}
