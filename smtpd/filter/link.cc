#include "smtpd/filter/link.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/services/xforward.h"
#include "libcommon/smtp/capabilities.h"

namespace umaya::smtpd {

using event::Task;
using smtp::Loss;

/// Octets of messages that wait in one process for their filter.
static constexpr size_t kMostWaiting = 64 * 1024 * 1024;
/// Text goes out in pieces of about this size.
static constexpr size_t kPiece = 64 * 1024;

static smtp::Refusal trouble() {
  return {451, "4.3.0", "Error: queue file write error"};
}

FilterLink::~FilterLink() {
  forget_waiting();
  if (stream_ && !text_open_) close();
}

void FilterLink::forget_waiting() {
  filter_.waiting -= std::exchange(held_, 0);
  waiting_ = std::string();
}

/// Says good-bye; only where QUIT is a command and not text.
void FilterLink::close() {
  stream_->write("QUIT\r\n");
  stream_->flush_now();
  stream_.reset();
}

/// The connection is of no more use; what the client hears is no business of strangers, the log has the rest.
bool FilterLink::lose(Loss loss) {
  const std::string& name = filter_.server.text;
  if (loss == Loss::closed) log::warning("lost connection with proxy {}", name);
  if (loss == Loss::timed_out) log::warning("timeout talking to proxy {}", name);
  if (loss == Loss::garbage) log::warning("received garbage from proxy {}", name);
  stream_.reset();
  broken_ = trouble();
  return false;
}

smtp::Refusal FilterLink::refusal_of(const smtp::Reply& reply) const {
  smtp::Refusal out{reply.code, reply.dsn, {}};
  for (std::string_view line : reply.lines) {
    if (!reply.dsn.empty() && line.starts_with(reply.dsn)) line = trim(line.substr(reply.dsn.size()));
    if (!out.text.empty()) out.text += '\n';
    out.text += line;
  }
  if (filter_.soft_bounce && out.code >= 500) {
    out.code -= 100;
    if (!out.dsn.empty()) out.dsn[0] = '4';
  }
  return out;
}

Task<bool> FilterLink::send() {
  stream_->set_deadline(monotonic_now() + filter_.timeout);
  Result<void> sent = co_await stream_->flush();
  if (sent) co_return true;
  co_return lose(sent.error().sys_errno == ETIMEDOUT ? Loss::timed_out : Loss::closed);
}

/// Takes a reply into reply_; false when it is not the one that was wanted.
Task<bool> FilterLink::answer(std::string_view to, int wanted) {
  smtp::ReplyOrLoss reply = co_await smtp::read_reply(*stream_, filter_.timeout);
  if (!reply) co_return lose(reply.error());
  reply_ = std::move(*reply);
  if (reply_.severity() == wanted) co_return true;
  log::warning("proxy {} rejected \"{}\": \"{}\"", filter_.server.text, to, reply_.one_line());
  if (reply_.severity() < 4) co_return lose(Loss::garbage);
  co_return false;
}

Task<bool> FilterLink::command(std::string line, int wanted) {
  stream_->write(line + "\r\n");
  bool sent = co_await send();
  if (!sent) co_return false;
  co_return co_await answer(line, wanted);
}

/// The greeting, EHLO and XFORWARD.
Task<bool> FilterLink::introduce() {
  bool good = co_await answer("connection", 2);
  if (good) good = co_await command("EHLO " + filter_.ehlo, 2);
  if (!good) co_return false;
  smtp::Capabilities can = smtp::parse_capabilities(reply_, {});
  if (can.xforward.empty()) co_return true;
  std::string xforward = services::xforward_command(origin_, can.xforward);
  co_return co_await command(std::string(trim(xforward)), 2);
}

/// Connects, and passes MAIL on. After a failure broken_ has the answer for the client.
Task<bool> FilterLink::open() {
  Result<Fd> fd = co_await filter_.server.connect(filter_.resolver, filter_.timeout);
  if (!fd) {
    log::warning("connect to proxy filter {}: {}", filter_.server.text, fd.error().what);
    broken_ = trouble();
    co_return false;
  }
  stream_.emplace(std::move(*fd));
  bool good = co_await introduce();
  if (!good) {
    if (stream_) close();
    broken_ = trouble();  // a refusal by its greeting is the filter's trouble, not the client's
    co_return false;
  }
  good = co_await command(mail_, 2);
  if (good) co_return true;
  if (!broken_) broken_ = refusal_of(reply_);
  if (stream_) close();
  co_return false;
}

Task<std::optional<smtp::Refusal>> FilterLink::rcpt(std::string line) {
  if (!broken_ && filter_.speed_adjust) {
    later_.push_back(std::move(line));
    co_return std::nullopt;
  }
  if (!broken_ && !stream_) co_await open();
  if (broken_) co_return broken_;
  bool taken = co_await command(std::move(line), 2);
  if (broken_) co_return broken_;
  if (taken) co_return std::nullopt;
  co_return refusal_of(reply_);
}

Task<std::optional<smtp::Refusal>> FilterLink::begin_text() {
  if (filter_.speed_adjust && !broken_) co_return std::nullopt;
  if (broken_) co_return broken_;
  text_open_ = co_await command("DATA", 3);
  if (broken_) co_return broken_;
  if (text_open_) co_return std::nullopt;
  co_return refusal_of(reply_);
}

/// With speed_adjust: everything that has waited. A refusal of any part is the answer to the whole.
Task<bool> FilterLink::replay() {
  bool good = co_await open();
  if (!good) co_return false;
  for (std::string& line : later_) {
    good = co_await command(std::move(line), 2);
    if (!good) break;
  }
  if (good) good = co_await command("DATA", 3);
  if (!good) {
    if (!broken_) broken_ = refusal_of(reply_);
    if (stream_) close();
    co_return false;
  }
  text_open_ = true;
  std::string last = std::exchange(content_, std::exchange(waiting_, {}));
  content_.append(last);
  co_return true;
}

/// Sends what is in content_.
Task<bool> FilterLink::send_text() {
  auto out = [this](std::string_view piece) { stream_->write(piece); };
  std::string_view rest = content_;
  while (!rest.empty()) {
    encoder_.feed(rest.substr(0, kPiece), out);
    rest.remove_prefix(std::min(rest.size(), kPiece));
    bool sent = co_await send();
    if (!sent) break;
  }
  content_ = std::string();
  forget_waiting();
  co_return !broken_;
}

Task<void> FilterLink::push() {
  if (!broken_ && !text_open_) {
    if (filter_.waiting + content_.size() <= kMostWaiting) {
      filter_.waiting += content_.size();
      held_ += content_.size();
      waiting_.append(content_);
      content_.clear();
      co_return;
    }
    co_await replay();
  }
  if (!broken_) co_await send_text();
  content_.clear();
}

Task<smtp::Refusal> FilterLink::finish() {
  if (!broken_ && !text_open_) co_await replay();
  if (!broken_) co_await send_text();
  if (broken_) co_return *broken_;
  auto out = [this](std::string_view piece) { stream_->write(piece); };
  encoder_.finish(out);
  bool sent = co_await send();
  if (!sent) co_return *broken_;
  smtp::ReplyOrLoss reply = co_await smtp::read_reply(*stream_, filter_.timeout);
  if (!reply || reply->severity() == 3) {
    lose(reply ? Loss::garbage : reply.error());
    co_return *broken_;
  }
  text_open_ = false;
  smtp::Refusal verdict = refusal_of(*reply);
  close();
  co_return verdict;
}

}  // namespace umaya::smtpd
