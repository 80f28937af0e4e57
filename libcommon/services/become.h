// NAME    become service - private/become, work that is done with the rights of a user
//
// SYNOPSIS
//     private/become:  Start  { Deliver (+ message) → Delivered | ReadFile → FileContent | Run (+ message) → Ended }…
//
// DESCRIPTION
//     One connection is one worker: a process that has given up all rights but those named in Start, for good, and then
//     answers jobs in their order until the connection is closed. The parent, which has the rights of root, reads
//     nothing but Start. Jobs may be sent without waiting for answers; Deliver jobs that wait together share their
//     flushes. A worker that cannot be had answers Refused and closes; what was asked of it may be tried later. A
//     connection that closes without an answer means the same.
//
//     When the mail system runs as an ordinary user there is nobody else to become: any other uid is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/services/envelope.h"

namespace umaya::services::become {

inline constexpr std::string_view kSocket = "private/become";
/// Deliver jobs that a worker takes together, at most.
inline constexpr size_t kBatch = 32;
/// Bytes of a file that ReadFile and the .forward search give, at most (one packet carries it).
inline constexpr size_t kFileLimit = 120 * 1024;

/// What a worker may be asked to do.
enum class Role : uint8_t {
  mailbox,  ///< Deliver and ReadFile; the only role that exists for uid 0 (without any capability)
  command,  ///< Run
};

struct Start {
  Role role = Role::mailbox;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<uint32_t> extra_gid;  ///< the group of the mail spool directory, for dotlocks in it
  static constexpr std::string_view kName = "become.start";
  static void visit(auto& self, auto&& v) {
    v("role", self.role);
    v("uid", self.uid);
    v("gid", self.gid);
    v("extra_gid", self.extra_gid);
  }
};

struct Refused {
  std::string why;
  static constexpr std::string_view kName = "become.refused";
  static void visit(auto& self, auto&& v) { v("why", self.why); }
};

enum class MailboxKind : uint8_t { none, maildir, mbox };

/// Where and how a message is put away.
struct Mailbox {
  MailboxKind kind = MailboxKind::none;
  std::string base;  ///< absolute directory that must exist: a home, the mail spool, virtual_mailbox_base
  std::string path;  ///< beneath base
  uint64_t size_limit = 0;
  bool strict_owner = true;     ///< strict_mailbox_ownership
  bool need_dotlock = true;     ///< a dotlock that cannot be made stops the delivery
  std::vector<uint8_t> locks;   ///< mailbox::MboxLock, in order
  int32_t lock_attempts = 20;   ///< deliver_lock_attempts
  int64_t lock_delay_usec = 0;  ///< deliver_lock_delay
  int64_t stale_lock_usec = 0;  ///< stale_lock_time
  uint64_t quota_bytes = 0;     ///< what the whole mailbox may hold; 0: no limit
  uint64_t quota_messages = 0;
  bool quota_bounces = false;  ///< over quota, ours or the file system's, is permanent
  static constexpr std::string_view kName = "become.mailbox";
  static void visit(auto& self, auto&& v) {
    v("kind", self.kind);
    v("base", self.base);
    v("path", self.path);
    v("size_limit", self.size_limit);
    v("strict_owner", self.strict_owner);
    v("need_dotlock", self.need_dotlock);
    v("locks", self.locks);
    v("lock_attempts", self.lock_attempts);
    v("lock_delay_usec", self.lock_delay_usec);
    v("stale_lock_usec", self.stale_lock_usec);
    v("quota_bytes", self.quota_bytes);
    v("quota_messages", self.quota_messages);
    v("quota_bounces", self.quota_bounces);
  }
};

enum class Purpose : uint8_t {
  deliver,
  ask,    ///< would a message of content_size be over quota? Nothing is put away; comes without a descriptor
  count,  ///< the same, with the mailbox counted anew
};

/// Looks for a .forward file; when there is none, delivers. Comes with the message's descriptor.
struct Deliver {
  uint64_t id = 0;
  std::string home;                  ///< must exist when forward_files is not empty or require_home is set
  bool require_home = false;         ///< require_home_directory
  std::vector<std::string> forward;  ///< absolute names, in order; the first that exists is the answer
  Mailbox mailbox;                   ///< MailboxKind::none: nothing is delivered
  std::string sender;                ///< for the From_ line of an mbox
  std::string head;                  ///< Return-Path: and so on, LF text
  uint64_t content_offset = 0;
  uint64_t content_size = 0;
  std::string key;  ///< delivery_key.h: a delivery that is tried again makes no second file in a Maildir
  Purpose purpose = Purpose::deliver;
  static constexpr std::string_view kName = "become.deliver";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("home", self.home);
    v("require_home", self.require_home);
    v("forward", self.forward);
    v("mailbox", self.mailbox);
    v("sender", self.sender);
    v("head", self.head);
    v("content_offset", self.content_offset);
    v("content_size", self.content_size);
    v("key", self.key);
    v("purpose", self.purpose);
  }
};

enum class Outcome : uint8_t {
  delivered,  ///< durable, or nothing was to be delivered; of a question: it has room
  forward,    ///< a .forward file was found; nothing was delivered
  temporary,
  permanent,
};

struct Delivered {
  uint64_t id = 0;
  Outcome outcome = Outcome::temporary;
  std::string dsn;
  std::string text;          ///< why, when temporary or permanent
  std::string forward_file;  ///< its name
  std::string forward_text;  ///< its content
  std::string warning;       ///< for the log: a .forward file that was passed over
  uint64_t begins_at = 0;    ///< delivered to an mbox: offset of the message
  uint64_t used_bytes = 0;   ///< of a question: what the mailbox holds
  uint64_t used_messages = 0;
  static constexpr std::string_view kName = "become.delivered";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("outcome", self.outcome);
    v("dsn", self.dsn);
    v("text", self.text);
    v("forward_file", self.forward_file);
    v("forward_text", self.forward_text);
    v("warning", self.warning);
    v("begins_at", self.begins_at);
    v("used_bytes", self.used_bytes);
    v("used_messages", self.used_messages);
  }
};

/// Reads an :include: file.
struct ReadFile {
  uint64_t id = 0;
  std::string path;
  static constexpr std::string_view kName = "become.read_file";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("path", self.path);
  }
};

struct FileContent {
  uint64_t id = 0;
  bool ok = false;
  std::string text;           ///< content, or why not
  uint32_t owner = 0;         ///< uid of the file
  uint32_t group = 0;         ///< gid of the file
  bool others_write = false;  ///< writable by everybody
  static constexpr std::string_view kName = "become.file_content";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("ok", self.ok);
    v("text", self.text);
    v("owner", self.owner);
    v("group", self.group);
    v("others_write", self.others_write);
  }
};

/// Runs a program with the message on its standard input. Comes with the message's descriptor.
struct Run {
  uint64_t id = 0;
  std::vector<std::string> argv;         ///< argv[0] is looked for in PATH when it has no '/'
  std::string shell_command;             ///< given to /bin/sh -c when argv[0] is found nowhere: a shell's own command
  std::vector<std::string> environment;  ///< NAME=value, all of it
  std::string directory;                 ///< working directory
  int64_t time_limit_usec = 0;
  std::string head;  ///< LF text that comes before the content
  std::string tail;  ///< after it
  std::string eol = "\n";
  bool quote_from = false;
  bool quote_dot = false;
  uint64_t content_offset = 0;
  uint64_t content_size = 0;
  static constexpr std::string_view kName = "become.run";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("argv", self.argv);
    v("shell_command", self.shell_command);
    v("environment", self.environment);
    v("directory", self.directory);
    v("time_limit_usec", self.time_limit_usec);
    v("head", self.head);
    v("tail", self.tail);
    v("eol", self.eol);
    v("quote_from", self.quote_from);
    v("quote_dot", self.quote_dot);
    v("content_offset", self.content_offset);
    v("content_size", self.content_size);
  }
};

/// How a program ended.
enum class End : uint8_t { exited, killed, timed_out, not_started };

struct Ended {
  uint64_t id = 0;
  End end = End::not_started;
  int32_t value = 0;   ///< exit code or signal
  std::string output;  ///< the first bytes of standard output and error; for not_started: why
  static constexpr std::string_view kName = "become.ended";
  static void visit(auto& self, auto&& v) {
    v("id", self.id);
    v("end", self.end);
    v("value", self.value);
    v("output", self.output);
  }
};

}  // namespace umaya::services::become
