// NAME    answer_reader - the messages in which a primary answers for a zone, record by record
//
// SYNOPSIS
//     AnswerReader reader(message, zone, id);
//     while (reader.next(record)) …
//     if (!reader.why().empty()) … nothing of it may be used …
//
// DESCRIPTION
//     Looks at header and question: an answer to our question, without an error, not truncated. Gives the records of
//     the answer section; each must be of class IN and at or below the zone's name.
//
// OWNERSHIP
//     Message and zone outlive the reader.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "named-lite/dns/name.h"
#include "named-lite/dns/wire_record.h"

namespace umaya::named {

class AnswerReader {
 public:
  AnswerReader(std::string_view message, const Name& zone, uint16_t id);
  /// The next record of the answer; false at the end, and when something is wrong.
  bool next(WireRecord& record);
  /// What is wrong; empty: nothing.
  const std::string& why() const { return why_; }
  uint16_t count() const { return count_; }
  /// The low bits of the response code; NOERROR for what is no answer.
  unsigned rcode() const { return rcode_; }
  bool has_authority() const { return authority_; }

 private:
  std::string check_head(uint16_t id);

  std::string_view message_;
  const Name& zone_;
  size_t at_ = kMessageHeader;
  uint16_t count_ = 0;
  uint16_t taken_ = 0;
  unsigned rcode_ = 0;
  bool authority_ = false;
  std::string why_;
};

}  // namespace umaya::named
