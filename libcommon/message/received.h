// NAME    received - the trace header that each acceptance of a message puts on top (RFC 5321 4.4)
//
// DESCRIPTION
//     Plain functions; the text is what Postfix writes, because log and spam tools read it. Lines end in CRLF.
//     Names from outside go through here only: bytes that could forge a header or a comment become '?'.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace umaya::message {

/// What a message that came over the network says of its way. All views borrow.
struct ReceivedFrom {
  std::string_view helo;            ///< HELO name; empty when none was given: then the client name
  std::string_view client_name;     ///< verified name or "unknown"
  std::string_view client_address;  ///< "192.0.2.1" or "IPv6:2001:db8::1"
  std::string_view auth_user;       ///< shown when not empty (smtpd_sasl_authenticated_header)
  std::string_view tls;             ///< "(using TLSv1.3 …)", complete with what stands behind it; empty: nothing
  std::string_view myhostname;
  std::string_view mail_name;
  std::string_view protocol;  ///< SMTP, ESMTP, ESMTPS, UTF8SMTP … (RFC 3848)
  std::string_view queue_id;
  std::string_view recipient;  ///< internal form; shown when not empty: only for a single recipient
  int64_t seconds = 0;         ///< wall time of arrival
  bool hide_client = false;    ///< smtpd_hide_client_session: no "from" part
};
std::string received_from(const ReceivedFrom& r);

/// What a message posted on this host says.
struct ReceivedLocal {
  std::string_view myhostname;
  std::string_view mail_name;
  std::string_view queue_id;
  int64_t uid = -1;  ///< posting user; -1: none (notifications of ours)
  int64_t seconds = 0;
};
std::string received_local(const ReceivedLocal& r);

/// "<20261122041803.QUEUEID@myhostname>": a Message-ID for mail that has none; time in UTC.
std::string make_message_id(int64_t seconds, std::string_view queue_id, std::string_view myhostname);

/// A client's word made safe for a comment or the from part of a header: control bytes, parentheses and bytes above
/// 127 (unless valid UTF-8 is wanted) become '?'.
std::string safe_trace_text(std::string_view text, bool keep_utf8 = false);

}  // namespace umaya::message
