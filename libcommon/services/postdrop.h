// NAME    postdrop - the way from a user's program into maildrop/: the stream that postdrop reads, and its caller's
// side
//
// SYNOPSIS
//     UMAYA_TRY(auto drop, postdrop::Client::start("/usr/sbin/postdrop", "/etc/umaya"));
//     drop.start_message(start);  drop.recipient(r);  drop.content(bytes);
//     UMAYA_TRY(postdrop::Receipt receipt, drop.finish());       // receipt.status 0: it is on disk
//
// DESCRIPTION
//     postdrop (set-gid) writes the message file that a user's program may not write itself. The program sends records
//     to its standard input: a type byte, a 32-bit length (little endian) and that many bytes; first Start, then the
//     recipients and the content in any order, then End. A stream without End is thrown away. postdrop answers with
//     lines "queue_id=", "status=" and "reason=" on its standard output; the status is one of sysexits.h and also its
//     exit code.
//     Used by sendmail, and by smtpd when it runs on standard input for a user (sendmail -bs).
//
// ERRORS
//     StreamReader::feed() gives a permanent error for anything malformed. Addresses and texts with control characters
//     are refused (attack S41: a line end in them would forge lines in headers, logs and queue files).
//
// LIMITS
//     A record of 64 KiB.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "libcommon/base/bytes.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/result.h"
#include "libcommon/services/envelope.h"

namespace umaya::services::postdrop {

inline constexpr size_t kMaxRecord = 64 * 1024;

/// What begins a message. The queue id and the facts about a client are not the caller's to say.
struct Start {
  std::string sender;
  std::string full_name;  ///< for a From: header that has to be made
  std::string envid;
  Return ret = Return::not_given;
  BodyType body = BodyType::not_given;
  bool smtputf8 = false;
  bool verify_only = false;      ///< sendmail -bv
  bool report_delivery = false;  ///< sendmail -v
  bool deferred_only = false;    ///< no delivery before the next queue run
  std::string verp_delimiters;   ///< sendmail -XV
  static constexpr std::string_view kName = "postdrop.start";
  static void visit(auto& self, auto&& v) {
    v("sender", self.sender);
    v("full_name", self.full_name);
    v("envid", self.envid);
    v("ret", self.ret);
    v("body", self.body);
    v("smtputf8", self.smtputf8);
    v("verify_only", self.verify_only);
    v("report_delivery", self.report_delivery);
    v("deferred_only", self.deferred_only);
    v("verp_delimiters", self.verp_delimiters);
  }
};

/// Whether the text may stand in an envelope: no NUL, no line end, no other control character.
bool is_clean(std::string_view text);
/// The error that names what is not clean.
Result<> check_clean(std::string_view what, std::string_view text);
Result<> check_clean(const Start& start);
Result<> check_clean(const Recipient& recipient);

std::string encode_start(const Start& start);
std::string encode_recipient(const Recipient& recipient);
/// Content of any size, in records.
std::string encode_content(std::string_view bytes);
std::string encode_end();

/// Told what a stream says.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual Result<> on_start(Start start) = 0;
  virtual Result<> on_recipient(Recipient recipient) = 0;
  virtual Result<> on_content(std::string_view bytes) = 0;
};

/// Reads the stream in pieces of any size.
class StreamReader {
 public:
  explicit StreamReader(StreamEvents& events) : events_(events) {}
  Result<> feed(std::string_view bytes);
  /// End was seen; more bytes are an error.
  bool ended() const { return ended_; }

 private:
  Result<> record(char type, std::string_view body);

  StreamEvents& events_;
  Buffer pending_;
  bool started_ = false;
  bool ended_ = false;
};

/// postdrop's answer.
struct Receipt {
  std::string queue_id;
  int status = 0;  ///< 0, or one of sysexits.h
  std::string reason;
};
std::string encode_receipt(const Receipt& receipt);
Result<Receipt> decode_receipt(std::string_view text);

/// A postdrop process that is being fed. Blocks; destroying it before finish() throws the message away.
class Client {
 public:
  /// config_dir is handed on in MAIL_CONFIG.
  static Result<Client> start(const std::string& program, const std::string& config_dir);
  Client(Client&& other) noexcept;
  Client& operator=(Client&&) = delete;
  ~Client();

  Result<> start_message(const Start& start);
  Result<> recipient(const Recipient& recipient);
  Result<> content(std::string_view bytes);
  /// Sends End and waits for the answer. The message is durable when status is 0.
  Result<Receipt> finish();

 private:
  Client(pid_t pid, Fd to, Fd from) : pid_(pid), to_(std::move(to)), from_(std::move(from)) {}
  Result<> send(std::string_view bytes);

  pid_t pid_;
  Fd to_;
  Fd from_;
  std::string gathered_;
};

}  // namespace umaya::services::postdrop
