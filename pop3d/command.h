// NAME    command - one line from a POP3 client
//
// SYNOPSIS
//     Command command = parse_command("TOP 1 10\r\n");
//     if (const VerbInfo* verb = find_verb(command.verb)) …
//
// DESCRIPTION
//     A verb in any case, then arguments separated by blanks (RFC 1939 section 3). `rest` is everything behind the verb
//     and one blank, untouched: passwords may hold blanks.
//
// OWNERSHIP
//     Views into the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace umaya::pop3d {

enum class Verb : unsigned char {
  user,
  pass,
  apop,
  auth,
  stls,
  utf8,
  stat,
  list,
  retr,
  dele,
  top,
  uidl,
  noop,
  rset,
  quit,
  capa,
  lang
};

/// In which state a command may be given.
enum class State : unsigned char { authorization = 1, transaction = 2, both = 3 };

struct VerbInfo {
  std::string_view name;
  Verb verb;
  State state;
  uint8_t least_arguments;
  uint8_t most_arguments;  ///< kAny for USER and PASS, which take the rest of the line
  bool without_tls;        ///< also before TLS where pop3_tls_security_level = encrypt
  static constexpr uint8_t kAny = 255;
};

struct Command {
  std::string_view verb;
  std::string_view rest;
  std::vector<std::string_view> arguments;
};

/// line: with or without its end.
Command parse_command(std::string_view line);
/// The row of a verb; nullptr when there is none.
const VerbInfo* find_verb(std::string_view name);
bool allowed_in(const VerbInfo& verb, State state);
/// The command has a number of arguments that its verb takes.
bool fits(const Command& command, const VerbInfo& verb);
/// Message number 1 … count; nothing for anything else.
std::optional<size_t> parse_message_number(std::string_view text, size_t count);

/// RFC 2449 section 4 asks for 255 octets; passwords and names may be longer here.
inline constexpr size_t kMostLine = 1024;
/// AUTH with an initial response, and the client's lines within AUTH (RFC 5034 section 4).
inline constexpr size_t kMostSaslLine = 12 * 1024;

}  // namespace umaya::pop3d
