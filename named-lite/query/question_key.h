// NAME    question_key - what an answer to a packet would be kept under, at a glance
//
// DESCRIPTION
//     Good enough to bring memory near before the packet is really read: an ordinary question, with or without an OPT
//     record right behind it, gives the very key; of anything else the key may be of no use.
#pragma once

#include <span>
#include <string_view>

#include "named-lite/recursion/answer_cache.h"

namespace umaya::named {

/// room: for the name, which the key points to. False: there is no whole question.
bool read_key(std::string_view packet, std::span<char, kMaxName> room, AnswerKey& key);

}  // namespace umaya::named
