// NAME    counting - counts a question and its answer
#pragma once

#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/answer/cookies.h"
#include "named-lite/server/snapshot.h"
#include "named-lite/statistics/page.h"

namespace umaya::named {

/// A question came in.
void count_query(PageNumbers& page, const Query& query, const sockaddr* client, Transport transport);
/// Did the cache have the answer? view: its number.
void count_cache(PageNumbers& page, size_t view, bool hit);
/// What was found out about its cookie.
void count_cookie(PageNumbers& page, CookieState state);
/// This answer goes out; context: what it was made with.
void count_reply(PageNumbers& page, const Snapshot& snapshot, const Query& query, const AnswerContext& context,
                 std::string_view answer);

}  // namespace umaya::named
