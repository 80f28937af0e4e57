// NAME    reply_filter - is this packet the answer to what was asked?
//
// SYNOPSIS
//     ReplyFilter filter(question_packet, {.exact_case = true});
//     switch (filter.offer(packet)) { case Verdict::answer: … case Verdict::other: wait on … case Verdict::suspicious:
//     … }
//
// DESCRIPTION
//     A packet that is not the answer (another id, question, case of letters, cookie) is counted and does not end the
//     wait, so that a forged one can neither be taken nor make the real one be missed (RFC 5452). After too many of
//     them the question is better asked over TCP. That the packet comes from the address and port that were asked is
//     the socket's business: it is connected.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "named-lite/recursion/message.h"

namespace umaya::named {

enum class Verdict : unsigned char {
  answer,
  other,       ///< not to this question: wait on
  suspicious,  ///< the last of too many others
};

class ReplyFilter {
 public:
  struct Options {
    bool exact_case = false;           ///< the letters of the name must come back as they were sent
    std::string_view client_cookie{};  ///< a cookie that comes back must begin with it; empty: none was sent
    uint8_t most_others = 8;
  };
  /// question: the packet that was sent; it must outlive the filter, as the cookie must.
  ReplyFilter(std::string_view question, Options options) : question_(question), options_(options) {}

  Verdict offer(std::string_view packet);
  /// The answer that was accepted, taken apart; without has_question when it was an error without one.
  Reply& reply() { return reply_; }
  uint16_t others() const { return others_; }

 private:
  bool matches(std::string_view packet);
  std::string_view question_;
  Options options_;
  Reply reply_;
  uint16_t others_ = 0;
};

}  // namespace umaya::named
