// NAME    maildir_delivery - puts messages into a Maildir so that they are never lost, torn or overwritten
//
// SYNOPSIS
//     UMAYA_TRY(Maildir box, Maildir::open(home.get(), "Maildir/"));
//     std::vector<Result<>> results = box.deliver(messages);
//
// DESCRIPTION
//     Blocking code for a process that runs as the mailbox's owner. Each message is written to tmp/ under a name of its
//     own, flushed, and linked into new/, which never replaces a file; then the directory new/ is flushed, and only
//     then is it a success: a name that is not flushed is lost by a power cut on ext4 and XFS alike. Several messages
//     that arrive together share the flushes: all are written, their write-back is started, they are flushed side by
//     side, all are linked, and new/ is flushed once.
//     File names are TIME.M<usec>P<pid>V<dev>I<inode>R<random>.HOST,S=<bytes>,W=<bytes on the wire>: unique without
//     looking, also when the clock jumps back or workers share a pid; '/' and ':' of the host name are written / and
//     :. With W= nobody has to read a message to know its size in POP3 and IMAP. A message with a key is named
//     KEY.HOST,S=…,W=…: when a try was cut off after its file had come into new/ but before anybody knew, the next try
//     finds that file and adds no second one.
//     Opening a Maildir makes what is missing of it (never the base directory), and removes files in tmp/ that are
//     older than 36 hours.
//     With limits the file of a message counts with its exact size, in the order of the batch (quota_reservation.h); a
//     message that has no room even when half its size is line ends is not written at all. A message that an earlier
//     try has put into new/ is delivered, however full the Maildir is now, and counts once.
//
// OWNERSHIP
//     A Maildir holds descriptors of its directories. Messages are borrowed for the time of the call.
//
// ERRORS
//     One result for each message. All errors are temporary but one: a message larger than size_limit is 5.2.2. Over
//     quota is 4.2.2. A flush that fails once has failed: the file is removed (attack L10).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/mailbox/content.h"
#include "libcommon/mailbox/quota_limits.h"

namespace umaya::mailbox {

/// A message for a mailbox.
struct MailboxMessage {
  ContentSource content;
  std::string head;         ///< header lines of the delivery, each ending in LF (see delivery_head)
  uint64_t size_limit = 0;  ///< largest file that may result; 0: no limit
  std::string key{};    ///< names this delivery, a later try included (delivery_key); empty: each try is one of its own
  QuotaLimits quota{};  ///< mbox: what the whole mailbox may become; messages are not counted there
};

struct Envelope {
  std::string_view sender;     ///< empty: the null sender
  std::string_view original;   ///< X-Original-To, left out when empty
  std::string_view delivered;  ///< Delivered-To, left out when empty
};
/// "Return-Path: <…>", "X-Original-To: …", "Delivered-To: …". Control bytes in addresses become '?', so that no address
/// adds a header line of its own.
std::string delivery_head(const Envelope& envelope);

class Maildir {
 public:
  /// Opens the Maildir of this name beneath base, making it when it is not there.
  static Result<Maildir> open(int base, std::string_view path);

  /// Delivers all of them with one group of flushes; one result for each, in their order.
  std::vector<Result<>> deliver(std::span<const MailboxMessage> messages, const QuotaLimits& limits = {});

  /// Removes files of tmp/ that were not touched for this many seconds; gives their number.
  int clean_tmp(int64_t older_than_seconds = 36 * 3600);

 private:
  struct Pending;
  Maildir(Fd root, Fd tmp, Fd fresh) : root_(std::move(root)), tmp_(std::move(tmp)), new_(std::move(fresh)) {}
  void refuse_early(std::span<const MailboxMessage> messages, const QuotaLimits& limits, std::span<Pending> pending,
                    std::span<Result<>> results);
  bool has_key(const std::string& key) const;
  Result<> write_tmp(const MailboxMessage& message, Pending& pending);
  Result<> move_to_new(Pending& pending);
  void flush_files(std::span<Pending> pending, std::span<Result<>> results);
  void publish(std::span<Pending> pending, std::span<Result<>> results, const QuotaLimits& limits);
  void link_all(std::span<Pending> pending, std::span<Result<>> results, const QuotaLimits& limits);
  void take_back(std::span<Pending> pending);

  Fd root_;
  Fd tmp_;
  Fd new_;
};

/// The host part of Maildir file names: this host's name with '/' and ':' (and control bytes) as \ooo.
std::string maildir_host_name(std::string_view host);

}  // namespace umaya::mailbox
