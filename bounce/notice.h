// NAME    notice - composes failure notices, delay warnings and delivery reports (RFC 3464)
//
// SYNOPSIS
//     Notice notice = compose_notice({.kind = NoticeKind::failure, …}, settings);
//     post notice.head, then notice.returned bytes from the start of the original content, then notice.tail
//
// DESCRIPTION
//     A multipart/report of three parts: words for people, the fields of each recipient for programs, and the message
//     or its headers. The result is CRLF text without dot-stuffing. What is asked of it decides everything: no clock,
//     no file, no configuration.
//     A message that needs SMTPUTF8 is reported with the types of RFC 6533.
//
// LIMITS
//     Lines of ours are folded at 78 characters; a returned message keeps its own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/message/bounce_template.h"
#include "libcommon/queue/bounce_log.h"

namespace umaya::bounce {

enum class NoticeKind : unsigned char { failure, delay, success, verification };

/// Who reads it: the sender gets the words of the template, a postmaster only the facts.
enum class Audience : unsigned char { sender, postmaster };

/// How much of the message comes back.
enum class Returned : unsigned char { message, headers };

/// What does not change from notice to notice.
struct NoticeSettings {
  std::string hostname;   ///< Reporting-MTA and boundary: myhostname
  std::string origin;     ///< completes the address in From: myorigin
  std::string mail_name;  ///< in the names of our own fields: X-<mail_name>-Queue-ID
  message::BounceTemplates templates;
  message::ParameterLookup lookup;  ///< for the words of the templates
  bool threaded = false;            ///< enable_threaded_bounces: References to the message
};

struct NoticeRequest {
  NoticeKind kind = NoticeKind::failure;
  Audience audience = Audience::sender;
  std::string to;  ///< internal form
  std::string queue_id;
  std::string sender;  ///< of the message, internal form
  std::string envid;
  int64_t arrival_seconds = 0;
  int64_t now_seconds = 0;
  int64_t retry_until_seconds = 0;  ///< of a delay warning; 0 leaves the field out
  std::vector<queue::BounceRecord> records;
  Returned returned = Returned::message;
  std::string_view content_head;  ///< the content from its start, at least as far as its headers go
  uint64_t content_size = 0;
  bool eight_bit = false;  ///< the message has bytes above 127
  bool smtputf8 = false;   ///< the message needs SMTPUTF8
};

struct Notice {
  std::string head;
  uint64_t returned = 0;  ///< bytes of the original content, from its start, that go between head and tail
  std::string tail;
  bool eight_bit = false;
  bool smtputf8 = false;
};

Notice compose_notice(const NoticeRequest& request, const NoticeSettings& settings);

/// Bytes of the header section, without the empty line that ends it.
size_t header_section_size(std::string_view content);

/// The text on lines of at most 78 characters, broken at blanks, further lines indented by four; ends without CRLF.
std::string fold_text(std::string_view text);

/// Those of the records whose sender wants to hear of `kind` (one of queue::notify's bits).
std::vector<queue::BounceRecord> wanted_records(std::span<const queue::BounceRecord> records, uint8_t kind);

}  // namespace umaya::bounce
