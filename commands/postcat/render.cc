#include "commands/postcat/render.h"

#include <fmt/format.h>

#include <ctime>

namespace umaya::postcat {
namespace {

/// Types as Postfix numbers its records, for scripts that look at -d.
enum class Type : char {
  size = 'C',
  time = 'T',
  attribute = 'A',
  sender = 'S',
  original = 'O',
  recipient = 'R',
  done = 'D',
  normal = 'N',
};

class Printer {
 public:
  Printer(const View& view, const std::function<void(std::string_view)>& put) : view_(view), put_(put) {}

  void mark(std::string_view what, std::string_view path) { put_(fmt::format("*** {} {} ***\n", what, path)); }
  void record(Type type, uint64_t offset, std::string_view text) {
    if (offset < view_.skip) return;
    std::string line;
    if (view_.offsets) line += fmt::format("{:9} ", offset);
    if (view_.types) line += fmt::format("{:3} ", static_cast<int>(type));
    line += text;
    line += '\n';
    put_(line);
  }

 private:
  const View& view_;
  const std::function<void(std::string_view)>& put_;
};

std::string time_line(int64_t seconds) {
  time_t time = static_cast<time_t>(seconds);
  tm parts{};
  ::localtime_r(&time, &parts);
  char text[40];
  size_t size = std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts);
  return {text, size};
}

void print_attributes(const queue::Envelope& envelope, Printer& printer) {
  queue::Envelope::visit(envelope, [&](std::string_view name, const auto& field) {
    using Field = std::decay_t<decltype(field)>;
    if (name == "sender" || name == "arrival_usec") return;
    if constexpr (std::is_same_v<Field, std::string>) {
      if (!field.empty()) printer.record(Type::attribute, 0, fmt::format("named_attribute: {}={}", name, field));
    } else if constexpr (std::is_same_v<Field, std::map<std::string, std::string>>) {
      for (const auto& [key, value] : field) {
        printer.record(Type::attribute, 0, fmt::format("named_attribute: {}={}", key, value));
      }
    } else {
      auto number = static_cast<uint64_t>(field);
      if (number != 0) printer.record(Type::attribute, 0, fmt::format("named_attribute: {}={}", name, number));
    }
  });
}

Result<> print_recipients(queue::MessageReader& message, Printer& printer) {
  queue::RecipientCursor cursor;
  for (;;) {
    UMAYA_TRY(auto some, message.read_recipients(cursor, 1000));
    if (some.empty()) return {};
    for (const queue::StoredRecipient& recipient : some) {
      if (!recipient.dsn_original.empty()) {
        printer.record(Type::attribute, recipient.offset,
                       fmt::format("named_attribute: dsn_orig_rcpt={}", recipient.dsn_original));
      }
      if (recipient.notify != 0) {
        printer.record(Type::attribute, recipient.offset,
                       fmt::format("named_attribute: notify_flags={}", recipient.notify));
      }
      printer.record(Type::original, recipient.offset,
                     fmt::format("original_recipient: {}", recipient.original_or_address()));
      bool is_done = recipient.state != queue::RecipientState::pending;
      printer.record(is_done ? Type::done : Type::recipient, recipient.offset,
                     fmt::format("{}: {}", is_done ? "done_recipient" : "recipient", recipient.address));
    }
  }
}

/// The text line by line; lines end with LF here.
Result<> print_content(queue::MessageReader& message, const View& view, Printer& printer) {
  std::string line;
  std::string buffer(64 * 1024, '\0');
  bool in_header = true;
  uint64_t line_offset = message.info().content_offset;
  for (uint64_t at = 0;;) {
    UMAYA_TRY(size_t got, message.read_content(buffer, at));
    if (got == 0) break;
    at += got;
    for (size_t i = 0; i < got; ++i) {
      if (buffer[i] != '\n') {
        line += buffer[i];
        continue;
      }
      uint64_t next = line_offset + line.size() + 1;
      if (line.ends_with('\r')) line.pop_back();
      bool is_separator = in_header && line.empty();
      if (in_header ? (is_separator ? view.header && view.body : view.header) : view.body) {
        printer.record(Type::normal, line_offset, line);
      }
      if (is_separator) in_header = false;
      line.clear();
      line_offset = next;
    }
  }
  if (!line.empty() && (in_header ? view.header : view.body)) printer.record(Type::normal, line_offset, line);
  return {};
}

}  // namespace

Result<> render(queue::MessageReader& message, std::string_view path, const View& view,
                const std::function<void(std::string_view)>& put) {
  Printer printer(view, put);
  const queue::Envelope& envelope = message.envelope();
  const queue::MessageInfo& info = message.info();
  if (view.envelope) {
    printer.mark("ENVELOPE RECORDS", path);
    printer.record(Type::size, 0,
                   fmt::format("message_size: {:15} {:15} {:15} {:15} {:15}", info.content_size, info.content_offset,
                               info.recipient_count, 0, info.content_size));
    printer.record(Type::time, 0, "message_arrival_time: " + time_line(envelope.arrival_usec / 1'000'000));
    printer.record(Type::attribute, 0, "create_time: " + time_line(envelope.arrival_usec / 1'000'000));
    print_attributes(envelope, printer);
    printer.record(Type::sender, 0, "sender: " + envelope.sender);
    UMAYA_CHECK(print_recipients(message, printer));
  }
  if (view.header || view.body) {
    if (view.envelope) printer.mark("MESSAGE CONTENTS", path);
    UMAYA_CHECK(print_content(message, view, printer));
  }
  if (view.envelope) {
    printer.mark("HEADER EXTRACTED", path);
    printer.mark("MESSAGE FILE END", path);
  }
  return {};
}

}  // namespace umaya::postcat
