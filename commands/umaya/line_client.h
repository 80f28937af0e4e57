// NAME    line_client - holds a dialogue of lines with a server and prints both sides
//
// SYNOPSIS
//     UMAYA_TRY(auto smtp, LineClient::connect("smtp", 2525));
//     UMAYA_CHECK(smtp.expect("220"));
//     UMAYA_CHECK(smtp.say("QUIT", "221"));
//
// DESCRIPTION
//     For the demonstration only: it blocks, with a limit of ten seconds for each answer.
#pragma once

#include <string>
#include <string_view>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"

namespace umaya::commands {

class LineClient {
 public:
  /// Connects to a port of the loopback; label stands in front of every printed line.
  static Result<LineClient> connect(std::string label, uint16_t port);
  /// Reads an answer, continuation lines ("250-") included; an error when it begins otherwise.
  Result<std::string> expect(std::string_view beginning);
  /// Sends a line and expects an answer.
  Result<std::string> say(std::string_view line, std::string_view beginning);
  /// Sends text as it is; prints it line by line.
  Result<void> send(std::string_view text);
  /// Prints and gives the lines of a POP3 multi-line answer, without the final dot.
  Result<std::string> read_to_dot();

 private:
  LineClient(std::string label, Fd fd) : label_(std::move(label)), fd_(std::move(fd)) {}
  Result<std::string> read_line();
  void print(char who, std::string_view line) const;
  std::string label_;
  Fd fd_;
  std::string buffered_;
};

}  // namespace umaya::commands
