#include "libcommon/services/postdrop.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/ipc/codec.h"

namespace umaya::services::postdrop {
namespace {

constexpr char kStart = 'S';
constexpr char kRecipient = 'R';
constexpr char kContent = 'C';
constexpr char kEnd = 'E';
constexpr size_t kHead = 5;
constexpr size_t kGather = 64 * 1024;
constexpr size_t kMaxReceipt = 16 * 1024;

std::string encode_record(char type, std::string_view body) {
  std::string out;
  ByteWriter writer(out);
  writer.u8(static_cast<uint8_t>(type)).string(body);
  return out;
}

Result<> write_fully(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("write to postdrop");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

std::string read_answer(int fd) {
  std::string text;
  char block[4096];
  while (text.size() < kMaxReceipt) {
    ssize_t n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(block, static_cast<size_t>(n));
  }
  return text;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return EX_OSERR;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EX_TEMPFAIL;
}

}  // namespace

bool is_clean(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}

Result<> check_clean(std::string_view what, std::string_view text) {
  if (is_clean(text)) return {};
  return permanent(fmt::format("{}: line end, NUL or other control character in \"{}\"", what, printable(text)));
}

Result<> check_clean(const Start& start) {
  UMAYA_CHECK(check_clean("sender", start.sender));
  UMAYA_CHECK(check_clean("full name", start.full_name));
  UMAYA_CHECK(check_clean("envelope id", start.envid));
  return check_clean("VERP delimiters", start.verp_delimiters);
}

Result<> check_clean(const Recipient& recipient) {
  UMAYA_CHECK(check_clean("recipient", recipient.address));
  UMAYA_CHECK(check_clean("original recipient", recipient.original));
  return check_clean("original recipient", recipient.dsn_original);
}

std::string encode_start(const Start& start) {
  return encode_record(kStart, ipc::encode(start));
}
std::string encode_recipient(const Recipient& recipient) {
  return encode_record(kRecipient, ipc::encode(recipient));
}
std::string encode_end() {
  return encode_record(kEnd, {});
}

std::string encode_content(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    size_t size = std::min(bytes.size(), kMaxRecord);
    out += encode_record(kContent, bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return out;
}

Result<> StreamReader::record(char type, std::string_view body) {
  if (type == kStart ? started_ : !started_) return permanent("submission stream: records out of order");
  switch (type) {
    case kStart: {
      UMAYA_TRY(Start start, ipc::decode<Start>(body));
      UMAYA_CHECK(check_clean(start));
      started_ = true;
      return events_.on_start(std::move(start));
    }
    case kRecipient: {
      UMAYA_TRY(Recipient recipient, ipc::decode<Recipient>(body));
      UMAYA_CHECK(check_clean(recipient));
      return events_.on_recipient(std::move(recipient));
    }
    case kContent:
      return events_.on_content(body);
    case kEnd:
      ended_ = true;
      return {};
    default:
      return permanent("submission stream: unknown record type");
  }
}

Result<> StreamReader::feed(std::string_view bytes) {
  pending_.append(bytes);
  while (pending_.size() >= kHead && !ended_) {
    ByteReader head(pending_.view());
    char type = static_cast<char>(head.u8());
    size_t size = head.u32();
    if (size > kMaxRecord) return permanent("submission stream: record too long");
    if (pending_.size() < kHead + size) return {};
    UMAYA_CHECK(record(type, pending_.view().substr(kHead, size)));
    pending_.consume(kHead + size);
  }
  if (ended_ && !pending_.empty()) return permanent("submission stream: bytes after the end");
  return {};
}

std::string encode_receipt(const Receipt& receipt) {
  return fmt::format("queue_id={}\nstatus={}\nreason={}\n", receipt.queue_id, receipt.status,
                     printable(receipt.reason, true));
}

Result<Receipt> decode_receipt(std::string_view text) {
  Receipt receipt;
  bool complete = false;
  for (std::string_view line : split(text, "\n")) {
    size_t equals = line.find('=');
    if (equals == line.npos) continue;
    std::string_view name = line.substr(0, equals), value = line.substr(equals + 1);
    if (name == "queue_id") receipt.queue_id = value;
    if (name == "reason") receipt.reason = value;
    if (name == "status") {
      auto number = parse_uint(value);
      if (!number || *number > 255) return temporary("postdrop gave a malformed status");
      receipt.status = static_cast<int>(*number);
      complete = true;
    }
  }
  if (!complete) return temporary("postdrop ended without an answer");
  return receipt;
}

Result<Client> Client::start(const std::string& program, const std::string& config_dir) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return sys_error("pipe");
  Fd child_in(in[0]), to(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return sys_error("pipe");
  Fd from(out[0]), child_out(out[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, child_in.get(), 0);
  ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), 1);
  std::string name = program, config = "MAIL_CONFIG=" + config_dir, path = "PATH=/usr/bin:/bin:/usr/sbin:/sbin";
  std::string option = "-r";
  char* arguments[] = {name.data(), option.data(), nullptr};
  char* environment[] = {config.data(), path.data(), nullptr};
  pid_t pid = -1;
  int failed = ::posix_spawn(&pid, name.c_str(), &actions, nullptr, arguments, environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed) return sys_error("execute " + program, failed);
  ::signal(SIGPIPE, SIG_IGN);
  return Client(pid, std::move(to), std::move(from));
}

Client::Client(Client&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      to_(std::move(other.to_)),
      from_(std::move(other.from_)),
      gathered_(std::move(other.gathered_)) {}

Client::~Client() {
  to_.reset();
  from_.reset();
  if (pid_ > 0) wait_for(pid_);
}

Result<> Client::send(std::string_view bytes) {
  gathered_ += bytes;
  if (gathered_.size() < kGather) return {};
  auto result = write_fully(to_.get(), gathered_);
  gathered_.clear();
  return result;
}

Result<> Client::start_message(const Start& start) {
  return send(encode_start(start));
}
Result<> Client::recipient(const Recipient& recipient) {
  return send(encode_recipient(recipient));
}
Result<> Client::content(std::string_view bytes) {
  return send(encode_content(bytes));
}

Result<Receipt> Client::finish() {
  gathered_ += encode_end();
  // A postdrop that refuses stops reading: its answer says more than our EPIPE.
  auto written = write_fully(to_.get(), gathered_);
  to_.reset();
  std::string answer = read_answer(from_.get());
  int code = wait_for(std::exchange(pid_, -1));
  auto receipt = decode_receipt(answer);
  if (!receipt) return Receipt{{}, code ? code : EX_TEMPFAIL, receipt.error().what};
  if (!written && receipt->status == 0) return Receipt{{}, EX_TEMPFAIL, written.error().what};
  if (receipt->status == 0 && code != 0) return Receipt{{}, code, "postdrop failed after its answer"};
  return receipt;
}

}  // namespace umaya::services::postdrop
