// NAME    mbox_parser - where the messages of an mbox file are, and what their headers say of them
//
// SYNOPSIS
//     MboxParser parser;
//     parser.feed(block); …  parser.finish();
//     for (const MboxMail& mail : parser.mails()) …
//
// DESCRIPTION
//     A message begins with a "From " line: the first line of the file, or a line that ends in a date as asctime(3)
//     writes it, with or without a time zone. "From " lines without one are text. Content-Length is not looked at. Text
//     is as it stands: ">From " stays (mboxo and mboxrd cannot be told apart). The empty line before the next "From "
//     line is no part of a message.
//
//     Headers that hold the state of a message (Status, X-Status, X-Keywords, X-UID, X-IMAPbase, X-IMAP) belong to the
//     mailbox and are not shown; sizes are without them. A first message that c-client or Dovecot has put there for its
//     own notes (X-IMAP) is no message.
//
//     The digest of a message is made of its "From " line and its headers Received, Return-Path, Delivered-To,
//     X-Original-To, Message-ID, Date, From, To and Subject: what delivery has written and nothing changes later.
//
// LIMITS
//     May be fed in pieces of any size. 4 KiB of a line are looked at; memory grows with the number of messages only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::mailbox {

struct MboxMail {
  uint64_t begin = 0;  ///< of the "From " line
  uint64_t head = 0;   ///< of the headers
  uint64_t body = 0;   ///< of the empty line behind the headers, or the end
  uint64_t end = 0;    ///< of the text
  uint64_t next = 0;   ///< of the next message, or the end of the file
  uint64_t wire_size = 0;
  uint32_t uid = 0;        ///< X-UID; 0: none
  bool seen = false;       ///< Status has an R
  bool has_state = false;  ///< there are headers that are not shown
  std::string x_uidl{};    ///< X-UIDL, when POP3 can carry it
  std::string digest{};    ///< 32 hexadecimal digits
  int64_t received = 0;    ///< seconds, as the "From " line says; 0: not known
};

/// Whether the header line holds the state of a message and is not shown.
bool is_state_header(std::string_view line);
/// Whether the line begins a message: "From " and a date.
bool is_from_line(std::string_view line);

class MboxParser {
 public:
  void feed(std::string_view block);
  void finish();
  /// False: the file does not begin as an mbox does, and must be left alone.
  bool is_mbox() const { return is_mbox_; }
  const std::vector<MboxMail>& mails() const { return mails_; }
  /// Of X-IMAPbase or X-IMAP in the first message; 0: none.
  uint32_t uid_validity() const { return uid_validity_; }
  /// The value of X-IMAPbase in the first message, which must stay in the file; empty: none.
  const std::string& imap_base() const { return imap_base_; }

 private:
  enum class Part : unsigned char { none, head, hidden, body };
  void end_line(bool terminated);
  void begin_mail();
  void head_line(uint64_t octets);
  void read_header(std::string_view name, std::string_view value);
  void close_mail(uint64_t next);

  std::vector<MboxMail> mails_;
  std::string line_;      ///< beginning of the line under way
  std::string digested_;  ///< what the digest of the message under way is made of
  uint64_t line_begin_ = 0, position_ = 0;
  uint64_t blank_ = 0;  ///< octets of the last line when it is empty and may be the separator
  bool cr_ = false;     ///< the octet before was CR
  bool digest_goes_on_ = false;
  bool internal_ = false;  ///< the message under way is a program's own
  bool is_mbox_ = true;
  Part part_ = Part::none;
  uint32_t uid_validity_ = 0;
  std::string imap_base_;
};

}  // namespace umaya::mailbox
