// NAME    pipe_arguments - the command attributes of a pipe service, and its command line for one delivery
//
// SYNOPSIS
//     UMAYA_TRY(PipeCommand command, parse_pipe_arguments({"flags=DRhu", "user=vmail", "argv=/bin/x", "$recipient"}));
//     std::vector<std::string> argv = expand_argv(command, message);
//
// DESCRIPTION
//     pipe(8) of Postfix: flags=BDFORXhqu.> user= directory= eol= null_sender= size= argv=…; argv comes last. An
//     argument that holds a macro of the recipient ($recipient, $user, $extension, $mailbox, $domain,
//     $original_recipient) is repeated for each recipient; all others appear once. A macro without a value leaves an
//     empty argument, never none: what follows stays where the administrator put it (attack S22). Nothing is ever given
//     to a shell.
//
// ERRORS
//     Permanent, naming the attribute: unknown attribute or flag, no user, no command, a bad size.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::local_delivery {

struct PipeCommand {
  std::string user;       ///< user=name
  std::string group;      ///< user=name:group
  std::string directory;  ///< directory=
  std::string eol = "\n";
  std::string null_sender = "MAILER-DAEMON";
  uint64_t size_limit = 0;      ///< 0: none
  bool blank_line = false;      ///< B
  bool delivered_to = false;    ///< D
  bool from_line = false;       ///< F
  bool original_to = false;     ///< O
  bool return_path = false;     ///< R
  bool final_delivery = false;  ///< X
  bool fold_domain = false;     ///< h
  bool quote_local = false;     ///< q
  bool fold_local = false;      ///< u
  bool quote_dot = false;       ///< .
  bool quote_from = false;      ///< >
  std::vector<std::string> argv;
};

Result<PipeCommand> parse_pipe_arguments(const std::vector<std::string>& arguments);

struct PipeRecipient {
  std::string address;
  std::string original;
};

/// What the macros stand for.
struct PipeMessage {
  std::string sender;
  std::string nexthop;
  std::string queue_id;
  uint64_t size = 0;
  std::string recipient_delimiter;
  std::vector<PipeRecipient> recipients;
  /// client_address, client_helo, client_hostname, client_port, client_protocol, sasl_method, sasl_sender,
  /// sasl_username
  std::vector<std::pair<std::string, std::string>> attributes;
};

/// The argument vector; permanent error for a macro that nobody knows.
Result<std::vector<std::string>> expand_argv(const PipeCommand& command, const PipeMessage& message);

/// "\r\n" as written with backslashes: \a \b \f \n \r \t \v \\ and up to three octal digits.
std::string unescape_c(std::string_view text);

}  // namespace umaya::local_delivery
