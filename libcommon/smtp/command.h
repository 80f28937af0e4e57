// NAME    command - SMTP command lines and the parameters of MAIL and RCPT (RFC 5321 4.1, 1870, 3461, 6152, 6531, 4954)
//
// SYNOPSIS
//     Command c = smtp::parse_command("MAIL FROM:<a@b> SIZE=100");   // c.verb "MAIL", c.rest "FROM:<a@b> SIZE=100"
//     auto mail = smtp::parse_mail(c.rest);
//     if (!mail) reply(mail.error().code, mail.error().dsn, mail.error().text);
//
// DESCRIPTION
//     Pure functions. A refusal carries the reply that the client gets, in Postfix's words. The path is left as text:
//     libcommon/message reads it.
//
// OWNERSHIP
//     Views borrow from the line.
//
// LIMITS
//     At most 50 parameters; ENVID 100 octets, ORCPT 500.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/smtp/dsn.h"

namespace umaya::smtp {

struct Command {
  std::string_view verb;  ///< first word, as written
  std::string_view rest;  ///< what follows, without white space at both ends
};
/// Divides a line (without its line end; white space around it does not count).
Command parse_command(std::string_view line);

/// The words of a line, at white space outside <…> and "…". words beyond the limit stay in the last one.
std::vector<std::string_view> split_words(std::string_view text, size_t limit = 64);

/// A refusal: the reply to give.
struct Refusal {
  int code = 0;
  std::string dsn;
  std::string text;
};

enum class BodyType : uint8_t { unspecified, seven_bit, eight_bit_mime };

/// MAIL FROM:<path> with its parameters.
struct MailCommand {
  std::string_view path;
  std::optional<uint64_t> size;
  BodyType body = BodyType::unspecified;
  bool smtputf8 = false;
  Ret ret = Ret::none;
  std::string envid;                ///< as given: xtext, checked
  std::optional<std::string> auth;  ///< decoded AUTH= value; grants nothing
  std::optional<std::string> verp;  ///< XVERP (Postfix): its two characters, empty for the default ones
};

/// RCPT TO:<path> with its parameters.
struct RcptCommand {
  std::string_view path;
  uint8_t notify = kNotifyNone;
  std::optional<Orcpt> orcpt;
};

/// Which extensions were offered to this client: parameters of others are unknown ones (555).
struct Offered {
  bool size = true;
  bool eight_bit = true;
  bool dsn = true;
  bool smtputf8 = true;
  bool verp = false;  ///< XVERP
  bool auth = true;   ///< RFC 4954 5: AUTH=<> is understood also without a log-in
};

std::expected<MailCommand, Refusal> parse_mail(std::string_view rest, const Offered& offered = {});
std::expected<RcptCommand, Refusal> parse_rcpt(std::string_view rest, const Offered& offered = {});

/// BDAT size [LAST] (RFC 3030).
struct BdatCommand {
  uint64_t size = 0;
  bool last = false;
};
std::expected<BdatCommand, Refusal> parse_bdat(std::string_view rest);

}  // namespace umaya::smtp
