#include "pop3d/transaction.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "libcommon/smtp/dot.h"
#include "pop3d/top_filter.h"

namespace umaya::pop3d {

namespace {

constexpr size_t kBlock = 64 * 1024;

}  // namespace

event::Task<void> Transaction::run() {
  client_.set_timeout(params_.timeout);
  client_.write("+OK Logged in.\r\n");
  Next next = Next::go_on;
  std::string_view how = "Connection closed";
  while (next == Next::go_on) {
    if (client_.buffered().find('\n') == std::string_view::npos) {
      auto sent = co_await client_.flush();
      if (!sent) break;
    }
    event::Read line = co_await client_.read_line(kMostLine);
    if (line.status == event::ReadStatus::timed_out) {
      how = "Disconnected for inactivity";
      client_.write("-ERR [SYS/TEMP] Disconnected for inactivity; nothing was deleted.\r\n");
    }
    if (line.status == event::ReadStatus::too_long) client_.write("-ERR The line is too long.\r\n");
    if (!line) break;
    std::string text(line.data);
    next = co_await dispatch(std::move(text));
    if (next == Next::hang_up)
      how = bad_commands_ >= params_.bad_command_limit ? "Too many bad commands" : "Logged out";
  }
  auto last = co_await client_.flush();
  (void)last;
  log_end(how);
}

void Transaction::log_end(std::string_view how) const {
  log::info("user=<{}>: {} top={}/{}, retr={}/{}, del={}/{}", user_, how, tops_, top_octets_, retrieved_,
            retrieved_octets_, removed_, box_.count());
}

Transaction::Next Transaction::complain(std::string_view text) {
  client_.write("-ERR " + std::string(text) + "\r\n");
  return ++bad_commands_ >= params_.bad_command_limit ? Next::hang_up : Next::go_on;
}

Transaction::Next Transaction::trouble(const Error& error) {
  log::warning("user=<{}>: {}", user_, error.what);
  client_.write(error.sys_errno == ENOENT ? "-ERR [SYS/TEMP] The message is gone: another program removed it.\r\n"
                                          : "-ERR [SYS/TEMP] The mailbox cannot be read; try again later.\r\n");
  return Next::go_on;
}

event::Task<Transaction::Next> Transaction::dispatch(std::string line) {
  Command command = parse_command(line);
  const VerbInfo* verb = find_verb(command.verb);
  if (verb == nullptr) co_return complain("Unknown command.");
  if (!allowed_in(*verb, State::transaction)) co_return complain("Already logged in.");
  if (command.arguments.size() < verb->least_arguments || command.arguments.size() > verb->most_arguments) {
    co_return complain("Wrong number of arguments.");
  }
  if (verb->verb != Verb::retr && verb->verb != Verb::top) co_return single(command, *verb);
  auto i = message(command);
  if (!i) co_return bad_commands_ >= params_.bad_command_limit ? Next::hang_up : Next::go_on;
  uint64_t lines = TopFilter::kAll;
  if (verb->verb == Verb::top) {
    auto asked = parse_uint(command.arguments[1]);
    if (!asked) co_return complain("TOP takes a message and a number of lines.");
    lines = *asked;
  }
  co_return co_await send_message(*i, lines);
}

Transaction::Next Transaction::single(const Command& command, const VerbInfo& verb) {
  switch (verb.verb) {
    case Verb::stat:
      return stat();
    case Verb::list:
      return list(command);
    case Verb::uidl:
      return uidl(command);
    case Verb::dele:
      return dele(command);
    case Verb::rset:
      return rset();
    case Verb::quit:
      return quit();
    case Verb::capa:
      client_.write("+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n.\r\n");
      return Next::go_on;
    default:
      client_.write("+OK\r\n");
      return Next::go_on;
  }
}

std::optional<size_t> Transaction::message(const Command& command) {
  auto number = parse_message_number(command.arguments[0], box_.count());
  if (!number) {
    complain("There is no message " + printable(command.arguments[0].substr(0, 20)) + ".");
    return std::nullopt;
  }
  if (deleted_[*number - 1]) {
    complain("Message " + std::to_string(*number) + " is deleted.");
    return std::nullopt;
  }
  return *number - 1;
}

Result<uint64_t> Transaction::total(size_t& count) {
  uint64_t octets = 0;
  count = 0;
  for (size_t i = 0; i < box_.count(); ++i) {
    if (deleted_[i]) continue;
    auto size = box_.size(i);
    if (!size && size.error().sys_errno == ENOENT) {
      deleted_[i] = true;  // another program took it away since the log-in
      continue;
    }
    if (!size) return size;
    octets += *size;
    ++count;
  }
  return octets;
}

Transaction::Next Transaction::stat() {
  size_t count = 0;
  auto octets = total(count);
  if (!octets) return trouble(octets.error());
  client_.write("+OK " + std::to_string(count) + " " + std::to_string(*octets) + "\r\n");
  return Next::go_on;
}

Transaction::Next Transaction::list(const Command& command) {
  if (!command.arguments.empty()) {
    auto i = message(command);
    if (!i) return bad_commands_ >= params_.bad_command_limit ? Next::hang_up : Next::go_on;
    auto size = box_.size(*i);
    if (!size) return trouble(size.error());
    client_.write("+OK " + std::to_string(*i + 1) + " " + std::to_string(*size) + "\r\n");
    return Next::go_on;
  }
  size_t count = 0;
  auto octets = total(count);
  if (!octets) return trouble(octets.error());
  std::string text = "+OK " + std::to_string(count) + " messages (" + std::to_string(*octets) + " octets)\r\n";
  for (size_t i = 0; i < box_.count(); ++i) {
    if (!deleted_[i]) text += std::to_string(i + 1) + " " + std::to_string(*box_.size(i)) + "\r\n";
  }
  client_.write(text + ".\r\n");
  return Next::go_on;
}

Transaction::Next Transaction::uidl(const Command& command) {
  if (!command.arguments.empty()) {
    auto i = message(command);
    if (!i) return bad_commands_ >= params_.bad_command_limit ? Next::hang_up : Next::go_on;
    std::string one = "+OK " + std::to_string(*i + 1) + " ";
    if (auto known = box_.unique_id(*i, one); !known) return trouble(known.error());
    client_.write(one + "\r\n");
    return Next::go_on;
  }
  std::string text = "+OK\r\n";
  for (size_t i = 0; i < box_.count(); ++i) {
    if (deleted_[i]) continue;
    text += std::to_string(i + 1) + " ";
    if (auto known = box_.unique_id(i, text); !known) return trouble(known.error());
    text += "\r\n";
  }
  client_.write(text + ".\r\n");
  return Next::go_on;
}

Transaction::Next Transaction::dele(const Command& command) {
  auto i = message(command);
  if (!i) return bad_commands_ >= params_.bad_command_limit ? Next::hang_up : Next::go_on;
  deleted_[*i] = true;
  client_.write("+OK Marked to be deleted.\r\n");
  return Next::go_on;
}

Transaction::Next Transaction::rset() {
  std::fill(deleted_.begin(), deleted_.end(), false);
  client_.write("+OK\r\n");
  return Next::go_on;
}

/// UPDATE state.
Transaction::Next Transaction::quit() {
  std::vector<size_t> which;
  for (size_t i = 0; i < deleted_.size(); ++i) {
    if (deleted_[i]) which.push_back(i);
  }
  auto removed = box_.remove(which);
  if (removed) {
    removed_ = *removed;
    client_.write(which.empty() ? "+OK Bye.\r\n" : "+OK Bye, messages deleted.\r\n");
  } else {
    log::warning("user=<{}>: {}", user_, removed.error().what);
    client_.write("-ERR [SYS/TEMP] Some deleted messages were not removed.\r\n");
  }
  return Next::hang_up;
}

event::Task<Transaction::Next> Transaction::send_message(size_t i, uint64_t body_lines) {
  bool whole = body_lines == TopFilter::kAll;
  auto body = box_.open_message(i);
  auto size = body ? box_.size(i) : Result<uint64_t>(std::unexpected(body.error()));
  if (!size) co_return trouble(size.error());
  client_.write(whole ? "+OK " + std::to_string(*size) + " octets\r\n" : std::string("+OK\r\n"));
  smtp::DotEncoder encoder({.bare_cr = smtp::DotEncoder::BareCr::keep});
  TopFilter filter(body_lines);
  uint64_t octets = 0;
  auto sink = [&](std::string_view piece) {
    octets += piece.size();
    client_.write(piece);
  };
  std::string block(std::min<uint64_t>(kBlock, *size + 1), '\0');
  for (uint64_t offset = body->offset, end = offset + body->size; offset < end && !filter.done();) {
    auto n = fs::read_at(body->file.get(), std::span(block).first(std::min(end - offset, block.size())), offset);
    if (!n) {
      // The client has been promised a whole message: only a broken connection tells it otherwise.
      log::error("user=<{}>: {}", user_, n.error().what);
      co_return Next::hang_up;
    }
    if (*n == 0) break;
    offset += *n;
    encoder.feed(filter.take(std::string_view(block).substr(0, *n)), sink);
    if (client_.unsent() < kBlock) continue;
    auto sent = co_await client_.flush();
    if (!sent) co_return Next::hang_up;
  }
  encoder.finish(sink);
  ++(whole ? retrieved_ : tops_);
  (whole ? retrieved_octets_ : top_octets_) += octets;
  co_return Next::go_on;
}

}  // namespace umaya::pop3d
