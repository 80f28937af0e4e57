// NAME    cleanup service - takes new messages into the queue
//
// SYNOPSIS
//     public/cleanup:  Submission  [MoreRecipients …]  [Content …]  →  Outcome
//
// DESCRIPTION
//     The conversation for one message: a Submission; unless its last_recipients is set, MoreRecipients until one says
//     so; unless its last_content is set, Content until one says so; then exactly one Outcome. Then the next message
//     may follow on the same connection. Closing before the last content drops the message. An Outcome may come early
//     when the message is refused while it still arrives: the client then closes the connection. Outcome accepted
//     means: content and envelope are on disk (queue promise 1). Content is CRLF text without dot-stuffing, its last
//     line ended.
#pragma once

#include "libcommon/services/envelope.h"

namespace umaya::services::cleanup {

inline constexpr std::string_view kSocket = "public/cleanup";
/// Bytes of content in one packet, at most.
inline constexpr size_t kContentBlock = 64 * 1024;

/// What is done with the message beyond queueing it (Postfix's receive_override_options and cleanup flags).
enum Option : uint32_t {
  kMapAddresses = 1,       ///< canonical, masquerade, virtual alias, bcc
  kCheckContent = 2,       ///< header_checks and body_checks
  kExtractRecipients = 4,  ///< sendmail -t
  kRewriteLocally = 8,     ///< the client is one of local_header_rewrite_clients: complete headers and addresses
  kHold = 16,              ///< into the hold queue
  kDiscard = 32,           ///< take it, say yes, throw it away
  kBounce = 64,            ///< generated notification: never checked, limited or bounced again
  kVerifyOnly = 128,       ///< sendmail -bv: report what would be done
  kReportDelivery = 256,   ///< sendmail -v: deliver and report
  kLimitSize = 512,        ///< message_size_limit applies
};

struct Submission {
  Envelope envelope;
  uint32_t options = 0;
  uint64_t size_hint = 0;        ///< SIZE= of the client, 0 when unknown
  std::string content_filter;    ///< FILTER transport:nexthop of an access table; empty: none
  std::string redirect;          ///< REDIRECT of an access table; empty: none
  std::vector<std::string> bcc;  ///< BCC of access tables
  std::vector<Recipient> recipients;
  bool last_recipients = true;
  std::string content;
  bool last_content = true;
  static constexpr std::string_view kName = "cleanup.submission";
  static void visit(auto& self, auto&& v) {
    v("envelope", self.envelope);
    v("options", self.options);
    v("size_hint", self.size_hint);
    v("content_filter", self.content_filter);
    v("redirect", self.redirect);
    v("bcc", self.bcc);
    v("recipients", self.recipients);
    v("last_recipients", self.last_recipients);
    v("content", self.content);
    v("last_content", self.last_content);
  }
};

struct MoreRecipients {
  std::vector<Recipient> recipients;
  bool last = false;
  static constexpr std::string_view kName = "cleanup.more_recipients";
  static void visit(auto& self, auto&& v) {
    v("recipients", self.recipients);
    v("last", self.last);
  }
};

struct Content {
  std::string bytes;
  bool last = false;
  static constexpr std::string_view kName = "cleanup.content";
  static void visit(auto& self, auto&& v) {
    v("bytes", self.bytes);
    v("last", self.last);
  }
};

enum class Verdict : uint8_t { accepted, deferred, rejected };

struct Outcome {
  Verdict verdict = Verdict::deferred;
  uint16_t smtp_code = 451;  ///< 250, 451, 452, 550, 552, 554 …
  std::string dsn;           ///< "2.0.0", "4.3.1", …
  std::string text;          ///< after code and dsn; empty for accepted
  static constexpr std::string_view kName = "cleanup.outcome";
  static void visit(auto& self, auto&& v) {
    v("verdict", self.verdict);
    v("smtp_code", self.smtp_code);
    v("dsn", self.dsn);
    v("text", self.text);
  }
};

}  // namespace umaya::services::cleanup
