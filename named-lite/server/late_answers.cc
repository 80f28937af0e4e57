#include "named-lite/server/late_answers.h"

#include "libcommon/base/clock.h"

namespace umaya::named {

void LateAnswers::ask(std::string_view packet, RecursiveOrder order, Send send) {
  RecursivePlace place = order.place;
  net::IpAddress client = order.client;
  // Shared: the function that holds it is copied.
  auto shared = std::make_shared<RecursiveOrder>(std::move(order));
  auto answered = [this, shared, send = std::move(send)](const Query& query, std::string_view asked,
                                                         const FoundAnswer& found) {
    std::string_view answer(out_.get(), write(query, asked, *shared, found));
    responder_.conclude(query, *shared, answer);
    send(answer);
  };
  recursion_.ask(packet, place, client, std::move(answered));
}

size_t LateAnswers::write(const Query& query, std::string_view packet, RecursiveOrder& order,
                          const FoundAnswer& found) {
  if (found.dropped) return 0;
  std::span<char> out(out_.get(), kMostAnswer);
  size_t size = write_found(query, packet, order.place, order.options, found, out);
  if (size == 0 || !order.signer) return size;
  return order.signer->sign(out, size, static_cast<uint64_t>(wall_seconds()));
}

}  // namespace umaya::named
