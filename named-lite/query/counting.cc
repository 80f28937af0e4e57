#include "named-lite/query/counting.h"

#include <sys/socket.h>

namespace umaya::named {

void count_query(PageNumbers& page, const Query& query, const sockaddr* client, Transport transport) {
  CountedQuestion question;
  question.tcp = transport == Transport::tcp;
  question.ipv6 = client->sa_family == AF_INET6;
  question.opcode = query.opcode;
  question.type = query.has_question ? query.type : 0;
  question.edns = query.has_edns;
  question.edns_version = query.edns_version;
  question.cookie = !query.cookie.empty();
  question.dnssec_ok = query.dnssec_ok;
  question.is_signed = query.is_signed;
  count_question(page, question);
}

void count_cache(PageNumbers& page, size_t view, bool hit) {
  page.add(hit ? Count::cache_hits : Count::cache_misses);
  if (view < PageNumbers::kViews) (hit ? page.view_cache_hits : page.view_cache_misses)[view].add();
}

void count_cookie(PageNumbers& page, CookieState state) {
  switch (state) {
    case CookieState::none:
      return;
    case CookieState::client_only:
      return page.add(Count::cookies_new);
    case CookieState::bad:
      return page.add(Count::cookies_bad);
    case CookieState::valid:
      return page.add(Count::cookies_good);
  }
}

void count_reply(PageNumbers& page, const Snapshot& snapshot, const Query& query, const AnswerContext& context,
                 std::string_view answer) {
  uint32_t number = kNoView;
  uint32_t zone = kNoZone;
  for (size_t i = 0; i < snapshot.views.size(); ++i) {
    const ServedView& view = *snapshot.views[i];
    if (context.catalog != &view.catalog) continue;
    number = static_cast<uint32_t>(i);
    if (!view.counts_zones || !query.has_question || context.access != Access::allowed) break;
    SuffixHashes hashes(query.lower_name(), view.catalog.seed());
    const ServedZone* served = view.catalog.find(hashes, hashes.labels());
    if (served != nullptr) zone = served->number;
    break;
  }
  count_answer(page, answer, number, zone);
}

}  // namespace umaya::named
