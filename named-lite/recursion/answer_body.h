// NAME    answer_body - the records of an answer in the form in which they stand behind any client's question
//
// SYNOPSIS
//     AnswerBody body(name);
//     if (!body.add(Section::answer, set, with_signatures)) …
//     body.finish(answer);
//
// DESCRIPTION
//     Names are compressed against the question at offset 12 and against one another (RFC 1035 4.1.4); in data only
//     those of the types that RFC 3597 4 allows. Where each TTL stands is written down, so that it can be lowered
//     with the passing of time.
//
// ERRORS
//     A set that does not fit into a message is not begun: false.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "named-lite/answer/writer.h"
#include "named-lite/recursion/message.h"
#include "named-lite/recursion/recursor.h"

namespace umaya::named {

class AnswerBody {
 public:
  /// question: name of the question, wire form.
  explicit AnswerBody(std::string_view question);
  bool add(Section section, const RrSet& set, bool with_signatures);
  /// The least TTL of what was added.
  uint32_t ttl() const { return ttl_; }
  /// Moves counts, body, offsets and TTL into the answer.
  void finish(RecursiveAnswer& answer);

 private:
  bool record(const RrSet& set, uint16_t type, uint32_t ttl, std::string_view data);
  void name(std::string_view wire);
  void remember(std::string_view wire, size_t at);
  void data(uint16_t type, std::string_view rdata);

  size_t base_;  // offset of the body in the message
  std::string out_;
  std::vector<uint16_t> ttl_offsets_;
  uint16_t counts_[3] = {0, 0, 0};
  uint32_t ttl_ = UINT32_MAX;
  std::unordered_map<std::string, uint16_t> names_;  // lower case; offset in the message
};

}  // namespace umaya::named
