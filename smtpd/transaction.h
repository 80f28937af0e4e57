// NAME    transaction - what lives from MAIL to the end of the message
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcommon/services/envelope.h"
#include "libcommon/smtp/command.h"
#include "libcommon/smtp/dot.h"
#include "smtpd/filter/link.h"
#include "smtpd/handover.h"
#include "smtpd/lmtp/mailboxes.h"
#include "smtpd/policy.h"

namespace umaya::smtpd {

struct Transaction {
  std::string sender;    ///< internal form
  std::string queue_id;  ///< made with the first recipient
  std::string envid;     ///< decoded
  smtp::Ret ret = smtp::Ret::none;
  smtp::BodyType body = smtp::BodyType::unspecified;
  bool smtputf8 = false;
  std::string auth_sender;      ///< AUTH= at MAIL (RFC 4954 5), for the log and for policy servers: it grants nothing
  std::string verp_delimiters;  ///< of XVERP; empty: one sender for all
  uint64_t declared_size = 0;
  int64_t arrival_usec = 0;
  std::vector<services::Recipient> recipients;
  size_t refused = 0;    ///< recipients that were not accepted
  size_t overshoot = 0;  ///< recipients beyond the limit
  MessageActions actions;

  // While content arrives.
  bool bdat = false;     ///< a BDAT command was accepted
  uint64_t size = 0;     ///< octets of content that the client sent
  size_t head_size = 0;  ///< octets of the header that we put on top
  bool first_line_known = false;
  bool nul = false;
  bool too_big = false;
  smtp::DotEncoder normalizer{{.line_limit = 0,
                               .dots = smtp::DotEncoder::Dots::plain,
                               .bare_cr = smtp::DotEncoder::BareCr::keep}};  ///< BDAT: line ends
  std::string mail_line;               ///< the command as it was given, for a before-queue filter
  std::unique_ptr<FilterLink> filter;  ///< with smtpd_proxy_filter, from the first recipient on
  std::unique_ptr<Handover> handover;  ///< without
  std::unique_ptr<MessageFile> file;   ///< LMTP
  Receiver* receiver = nullptr;        ///< the one of these that gets the content

  // LMTP: where the recipients' mailboxes are, and the right to deliver to them.
  std::vector<Place> places;
  StringMap<Seat> seats;
};

}  // namespace umaya::smtpd
