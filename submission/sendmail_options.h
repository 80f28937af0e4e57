// NAME    sendmail_options - the command line of sendmail, mailq and newaliases
//
// SYNOPSIS
//     Result<SendmailOptions> options = parse_sendmail_options(arguments);      // argv, argv[0] included
//
// DESCRIPTION
//     Reads what scripts and mail programs have given to sendmail for forty years. Options that only made sense for
//     the old program are accepted and have no effect. The name mailq means -bp, newaliases means -bi, smtpd means -bs.
//
// ERRORS
//     Permanent, with a text for the user (exit status EX_USAGE).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/services/envelope.h"

namespace umaya::submission {

enum class Mode : unsigned char {
  deliver,     ///< -bm: mail from standard input
  smtp,        ///< -bs: SMTP on standard input and output
  verify,      ///< -bv: report what would be done
  daemon,      ///< -bd, -bl: start the mail system
  aliases,     ///< -bi: newaliases
  list_queue,  ///< -bp: mailq
  test,        ///< -bt: address test mode
  flush,       ///< -q: try everything now
  flush_site,  ///< -qRsite
  flush_one,   ///< -qIid
  nothing,     ///< -bh, -bH: status of hosts, which there is none of
};

struct SendmailOptions {
  Mode mode = Mode::deliver;
  std::string config_dir;                                   ///< -C: a directory, or a main.cf in it
  bool sender_given = false;                                ///< -f or -r was there
  std::string sender;                                       ///< its argument as written
  std::string full_name;                                    ///< -F
  bool recipients_from_headers = false;                     ///< -t
  bool dot_is_text = false;                                 ///< -i, -oi: a lone dot does not end the message
  bool report_delivery = false;                             ///< -v
  int verbose = 0;                                          ///< number of -v
  services::BodyType body = services::BodyType::not_given;  ///< -B
  uint8_t notify = services::kNotifyDefault;                ///< -N
  services::Return ret = services::Return::not_given;       ///< -R
  std::string envid;                                        ///< -V
  bool verp = false;                                        ///< -XV
  std::string verp_delimiters;                              ///< the two characters of -XV, empty: the default ones
  std::string alias_files;                                  ///< -oA
  std::string queue_argument;                               ///< of -qR and -qI
  std::vector<std::string> arguments;                       ///< what is no option: recipients
};

Result<SendmailOptions> parse_sendmail_options(std::span<const std::string> arguments);

/// "success,failure,delay" or "never" to bits of services::Notify.
Result<uint8_t> parse_notify(std::string_view text);

}  // namespace umaya::submission
