// NAME    chaos - what the server tells of itself in class CH
//
// DESCRIPTION
//     version.bind and version.server, hostname.bind, id.server (RFC 4892) as TXT records. What the administrator hides
//     (`version none;`), and everything else in that class, is refused.
#pragma once

#include <string>

#include "named-lite/answer/answer.h"

namespace umaya::named {

/// Empty: hidden.
struct ChaosAnswers {
  std::string version, hostname, identity;
};

/// Answers a question of class CH.
size_t answer_chaos(const Query& query, std::string_view packet, const ChaosAnswers& answers,
                    const AnswerContext& context, std::span<char> out);

}  // namespace umaya::named
