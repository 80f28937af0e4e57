#include "pop3d/transaction.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "pop3d/capabilities.h"
#include "pop3d/message_sender.h"
#include "pop3d/top_filter.h"

namespace umaya::pop3d {

namespace {

constexpr size_t kListPiece = 8192;  // messages in a piece of a list
constexpr size_t kUsualSizeLine = 16, kUsualIdLine = 64;
constexpr size_t kMostUnsent = 64 * 1024;  // octets of answers that are gathered

void append_number(std::string& out, uint64_t number) {
  char digits[20];
  auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  (void)error;
  out.append(digits, static_cast<size_t>(end - digits));
}

/// Lines of LIST or UIDL for messages from first on; marks says which of them are deleted. A message that another
/// program took away has no line.
Result<std::string> list_piece(mailbox::PopBox& box, bool sizes, size_t first, const std::vector<uint8_t>& marks) {
  std::string out;
  out.reserve(marks.size() * (sizes ? kUsualSizeLine : kUsualIdLine));
  for (size_t k = 0; k < marks.size(); ++k) {
    if (marks[k] != 0) continue;
    const size_t before = out.size();
    append_number(out, first + k + 1);
    out += ' ';
    Result<void> done;
    if (sizes) {
      auto size = box.size(first + k);
      if (size) {
        append_number(out, *size);
      } else {
        done = std::unexpected(size.error());
      }
    } else {
      done = box.unique_id(first + k, out);
    }
    if (!done && done.error().sys_errno != ENOENT) return std::unexpected(done.error());
    if (done) {
      out += "\r\n";
    } else {
      out.resize(before);
    }
  }
  return out;
}

}  // namespace

Transaction::Transaction(event::Stream& client, SharedBox box, Offload& offload, const Params& params, Owner owner)
    : client_(client),
      box_(std::move(box)),
      offload_(offload),
      params_(params),
      owner_(std::move(owner)),
      marks_(box_->count(), 0) {}

event::Task<void> Transaction::run() {
  client_.set_timeout(params_.timeout);
  client_.write("+OK Logged in.\r\n");
  co_await converse();
  co_await mark_seen();
  client_.hold_for_end();
  auto last = co_await client_.flush();
  (void)last;
  client_.shutdown_write();
  log_end();
}

event::Task<void> Transaction::converse() {
  Next next = Next::go_on;
  while (next == Next::go_on) {
    if (client_.unsent() >= kMostUnsent || client_.buffered().find('\n') == std::string_view::npos) {
      auto sent = co_await client_.flush();
      if (!sent) co_return;
    }
    waiting_ = true;
    event::Read line = co_await client_.read_line(kMostLine);
    waiting_ = false;
    if (line.status == event::ReadStatus::timed_out) {
      how_ = "Disconnected for inactivity";
      client_.write("-ERR [SYS/TEMP] Disconnected for inactivity; nothing was deleted.\r\n");
    }
    if (line.status == event::ReadStatus::too_long) {
      how_ = "Line too long";
      client_.write("-ERR The line is too long.\r\n");
    }
    if (!line) co_return;
    std::string text(line.data);
    next = co_await dispatch(std::move(text));
  }
  if (bad_commands_ >= params_.bad_command_limit) how_ = "Too many bad commands";
}

void Transaction::end() {
  how_ = "Ended by the administrator";
  if (waiting_ && client_.unsent() == 0) {
    client_.write("-ERR [SYS/TEMP] The session was ended by the administrator.\r\n");
    client_.flush_now();
  }
  ::shutdown(client_.fd(), SHUT_RDWR);
}

void Transaction::log_end() const {
  uint64_t octets = box_octets_.value_or(0);
  log::info("pop3({})<{}><{}>: Disconnected: {} top={}/{}, retr={}/{}, del={}/{}, size={}", owner_.user, getpid(),
            owner_.session, how_, tops_, top_octets_, retrieved_, retrieved_octets_, removed_, marks_.size(), octets);
}

Transaction::Next Transaction::complain(std::string_view text) {
  client_.write("-ERR ");
  client_.write(text);
  client_.write("\r\n");
  return ++bad_commands_ >= params_.bad_command_limit ? Next::hang_up : Next::go_on;
}

Transaction::Next Transaction::trouble(const Error& error) {
  log::warning("pop3({})<{}>: {}", owner_.user, owner_.session, error.what);
  client_.write(error.sys_errno == ENOENT ? "-ERR [SYS/TEMP] The message is gone: another program removed it.\r\n"
                                          : "-ERR [SYS/TEMP] The mailbox cannot be read; try again later.\r\n");
  return Next::go_on;
}

event::Task<Transaction::Next> Transaction::dispatch(std::string line) {
  Command command = parse_command(line);
  const VerbInfo* verb = find_verb(command.verb);
  if (verb == nullptr) co_return complain("Unknown command.");
  if (!allowed_in(*verb, State::transaction)) co_return complain("Already logged in.");
  if (!fits(command, *verb)) co_return complain("Wrong number of arguments.");
  if (verb->verb == Verb::stat) co_return co_await stat();
  if (verb->verb == Verb::quit) co_return co_await quit();
  const bool lists = verb->verb == Verb::list || verb->verb == Verb::uidl;
  const Kind kind = verb->verb == Verb::list ? Kind::sizes : Kind::ids;
  if (lists && command.arguments.empty()) co_return co_await list(kind);
  const bool of_message = lists || verb->verb == Verb::retr || verb->verb == Verb::top || verb->verb == Verb::dele;
  if (!of_message) co_return simple(verb->verb, command);
  auto i = message(command);
  if (!i) co_return bad_commands_ >= params_.bad_command_limit ? Next::hang_up : Next::go_on;
  if (lists) co_return list_one(kind, *i);
  if (verb->verb == Verb::dele) co_return dele(*i);
  if (verb->verb == Verb::top) co_return co_await top(&command, *i);
  co_return co_await send_message(*i, TopFilter::kAll);
}

Transaction::Next Transaction::simple(Verb verb, const Command& command) {
  if (verb == Verb::capa) {
    client_.write(capability_answer({.state = State::transaction, .mechanisms = {}}, params_));
  } else if (verb == Verb::lang) {
    client_.write(language_answer(command.arguments));
  } else {
    if (verb == Verb::rset) {
      for (uint8_t& mark : marks_) mark = static_cast<uint8_t>(mark & ~kDeleted);
      deleted_ = 0;
      deleted_octets_ = 0;
    }
    client_.write("+OK\r\n");
  }
  return Next::go_on;
}

std::optional<size_t> Transaction::message(const Command& command) {
  auto number = parse_message_number(command.arguments[0], marks_.size());
  if (!number) {
    complain("There is no message " + printable(command.arguments[0].substr(0, 20)) + ".");
    return std::nullopt;
  }
  if (marks_[*number - 1] & kDeleted) {
    complain("Message " + std::to_string(*number) + " is deleted.");
    return std::nullopt;
  }
  return *number - 1;
}

event::Task<Result<uint64_t>> Transaction::total() {
  if (!box_octets_ && box_->knows_total_size()) {
    box_octets_ = box_->total_size().value_or(0);
  } else if (!box_octets_) {
    auto work = [box = box_] { return box->total_size(); };
    Result<uint64_t> octets = co_await offload_.run(std::move(work));
    if (!octets) co_return octets;
    box_octets_ = *octets;
  }
  co_return *box_octets_ - std::min(*box_octets_, deleted_octets_);
}

event::Task<Transaction::Next> Transaction::stat() {
  Result<uint64_t> octets = co_await total();
  if (!octets) co_return trouble(octets.error());
  std::string text = "+OK ";
  append_number(text, marks_.size() - deleted_);
  text += ' ';
  append_number(text, *octets);
  text += "\r\n";
  client_.write(text);
  co_return Next::go_on;
}

event::Task<Transaction::Next> Transaction::list(Kind kind) {
  std::string head = "+OK\r\n";
  if (kind == Kind::sizes) {
    Result<uint64_t> octets = co_await total();
    if (!octets) co_return trouble(octets.error());
    head = "+OK " + std::to_string(marks_.size() - deleted_) + " messages (" + std::to_string(*octets) + " octets)\r\n";
  }
  for (size_t first = 0; first < marks_.size() || !head.empty(); first += kListPiece) {
    const size_t last = std::min(first + kListPiece, marks_.size());
    std::vector<uint8_t> deleted(last - first);
    for (size_t k = first; k < last; ++k) deleted[k - first] = marks_[k] & kDeleted;
    auto work = [box = box_, kind, first, deleted = std::move(deleted)] {
      return list_piece(*box, kind == Kind::sizes, first, deleted);
    };
    Result<std::string> piece;
    if (box_->knows_list()) {
      piece = work();
    } else {
      piece = co_await offload_.run(std::move(work));
    }
    if (!piece && !head.empty()) co_return trouble(piece.error());
    if (!piece) {
      // The client has been promised a whole list: only a broken connection tells it otherwise.
      log::error("pop3({})<{}>: {}", owner_.user, owner_.session, piece.error().what);
      co_return Next::hang_up;
    }
    client_.write(head);
    head.clear();
    if (last == marks_.size()) {
      client_.write(*piece);
      continue;
    }
    auto sent = co_await client_.flush(*piece);
    if (!sent) co_return Next::hang_up;
  }
  client_.write(".\r\n");
  co_return Next::go_on;
}

Transaction::Next Transaction::list_one(Kind kind, size_t i) {
  std::string text = "+OK ";
  append_number(text, i + 1);
  text += ' ';
  if (kind == Kind::sizes) {
    auto size = box_->size(i);
    if (!size) return trouble(size.error());
    append_number(text, *size);
  } else if (auto id = box_->unique_id(i, text); !id) {
    return trouble(id.error());
  }
  text += "\r\n";
  client_.write(text);
  return Next::go_on;
}

Transaction::Next Transaction::dele(size_t i) {
  auto size = box_->size(i);
  if (!size && size.error().sys_errno != ENOENT) return trouble(size.error());
  marks_[i] |= kDeleted;
  ++deleted_;
  deleted_octets_ += size.value_or(0);
  client_.write("+OK Marked to be deleted.\r\n");
  return Next::go_on;
}

std::vector<size_t> Transaction::marked(uint8_t mark, uint8_t looked_at) const {
  std::vector<size_t> out;
  for (size_t i = 0; i < marks_.size(); ++i) {
    if ((marks_[i] & looked_at) == mark) out.push_back(i);
  }
  return out;
}

/// UPDATE state.
event::Task<Transaction::Next> Transaction::quit() {
  how_ = "Logged out";
  std::vector<size_t> which = marked(kDeleted, kDeleted);
  if (which.empty() && params_.expire == Duration::zero()) {
    client_.write("+OK Bye.\r\n");
    co_return Next::hang_up;
  }
  co_await mark_seen();  // before messages go, so that their numbers mean what they meant
  const bool asked = !which.empty();
  auto work = [box = box_, which = std::move(which)] { return box->remove(which); };
  Result<size_t> removed = co_await offload_.run(std::move(work));
  if (removed) {
    removed_ = *removed;
    client_.write(asked ? "+OK Bye, messages deleted.\r\n" : "+OK Bye.\r\n");
  } else {
    log::warning("pop3({})<{}>: {}", owner_.user, owner_.session, removed.error().what);
    client_.write("-ERR [SYS/TEMP] Some deleted messages were not removed.\r\n");
  }
  co_return Next::hang_up;
}

event::Task<void> Transaction::mark_seen() {
  if (params_.no_flag_updates || retrieved_ == 0) co_return;
  std::vector<size_t> which = marked(kRead, kRead | kDeleted);
  for (uint8_t& mark : marks_) mark = static_cast<uint8_t>(mark & ~kRead);
  if (which.empty()) co_return;
  auto work = [box = box_, which = std::move(which)] { return box->mark_seen(which); };
  Result<void> done = co_await offload_.run(std::move(work));
  if (!done) log::warning("pop3({})<{}>: {}", owner_.user, owner_.session, done.error().what);
}

event::Task<Transaction::Next> Transaction::top(const Command* command, size_t i) {
  auto lines = parse_uint(command->arguments[1]);
  if (!lines) co_return complain("TOP takes a message and a number of lines.");
  co_return co_await send_message(i, std::min(*lines, TopFilter::kAll - 1));
}

event::Task<Transaction::Next> Transaction::send_message(size_t i, uint64_t body_lines) {
  auto body = box_->open_message(i);
  auto size = body ? box_->size(i) : Result<uint64_t>(std::unexpected(body.error()));
  if (!size) co_return trouble(size.error());
  const bool whole = body_lines == TopFilter::kAll;
  MessageSender sender(client_, offload_, std::move(*body), owner_.utf8);
  Result<uint64_t> octets = 0;
  if (whole) {
    octets = co_await sender.send_whole(*size);
  } else {
    octets = co_await sender.send_top(body_lines);
  }
  if (!octets && !sender.begun()) co_return trouble(octets.error());
  if (!octets) {
    // The client has been promised a whole message: only a broken connection tells it otherwise.
    if (!sender.client_gone()) log::error("pop3({})<{}>: {}", owner_.user, owner_.session, octets.error().what);
    co_return Next::hang_up;
  }
  ++(whole ? retrieved_ : tops_);
  (whole ? retrieved_octets_ : top_octets_) += *octets;
  if (whole) marks_[i] |= kRead;
  co_return Next::go_on;
}

}  // namespace umaya::pop3d
