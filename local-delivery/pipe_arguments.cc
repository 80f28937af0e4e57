#include "local-delivery/pipe_arguments.h"

#include <algorithm>
#include <optional>

#include "libcommon/base/strings.h"
#include "libcommon/message/address.h"
#include "local-delivery/recipient_name.h"

namespace umaya::local_delivery {

namespace {

Result<> set_flags(PipeCommand& command, std::string_view flags) {
  for (char c : flags) {
    switch (c) {
      case 'B':
        command.blank_line = true;
        break;
      case 'D':
        command.delivered_to = true;
        break;
      case 'F':
        command.from_line = true;
        break;
      case 'O':
        command.original_to = true;
        break;
      case 'R':
        command.return_path = true;
        break;
      case 'X':
        command.final_delivery = true;
        break;
      case 'h':
        command.fold_domain = true;
        break;
      case 'q':
        command.quote_local = true;
        break;
      case 'u':
        command.fold_local = true;
        break;
      case '.':
        command.quote_dot = true;
        break;
      case '>':
        command.quote_from = true;
        break;
      case ' ':
      case ',':
        break;
      default:
        return permanent(std::string("pipe: unknown flag '") + c + "' in flags=" + std::string(flags));
    }
  }
  return {};
}

Result<> set_attribute(PipeCommand& command, std::string_view name, std::string_view value) {
  if (name == "flags") return set_flags(command, value);
  if (name == "user") {
    size_t colon = value.find(':');
    command.user = value.substr(0, colon);
    command.group = colon == value.npos ? "" : value.substr(colon + 1);
  } else if (name == "directory") {
    command.directory = value;
  } else if (name == "eol") {
    command.eol = unescape_c(value);
  } else if (name == "null_sender") {
    command.null_sender = value;
  } else if (name == "size") {
    auto size = parse_uint(value);
    if (!size) return permanent("pipe: bad size=" + std::string(value));
    command.size_limit = *size;
  } else if (name == "chroot") {
    return permanent("pipe: chroot= is not supported; use directory= and a command that changes its root itself");
  } else {
    return permanent("pipe: unknown attribute " + std::string(name) + "=");
  }
  return {};
}

struct Macro {
  std::string_view name;
  size_t end = 0;  ///< position behind it
};

// The macro at text[at] == '$'; no name: not a macro.
Macro macro_at(std::string_view text, size_t at) {
  char open = at + 1 < text.size() ? text[at + 1] : '\0';
  if (open == '{' || open == '(') {
    size_t close = text.find(open == '{' ? '}' : ')', at);
    if (close == text.npos) return {};
    return {text.substr(at + 2, close - at - 2), close + 1};
  }
  size_t end = at + 1;
  while (end < text.size() && (ascii_alnum(text[end]) || text[end] == '_')) ++end;
  return {text.substr(at + 1, end - at - 1), end};
}

class Expansion {
 public:
  Expansion(const PipeCommand& command, const PipeMessage& message) : command_(command), message_(message) {}
  Result<> add(std::string_view argument);
  std::vector<std::string> take() { return std::move(out_); }

 private:
  Result<std::string> expand(std::string_view argument, const PipeRecipient& recipient);
  std::optional<std::string> value(std::string_view name, const PipeRecipient& recipient);
  std::optional<std::string> recipient_value(std::string_view name, const PipeRecipient& recipient);
  std::string sender() const;
  std::string fold(std::string_view address) const;
  std::string address(std::string_view internal) const;

  const PipeCommand& command_;
  const PipeMessage& message_;
  std::vector<std::string> out_;
  bool per_recipient_ = false;
};

std::string Expansion::fold(std::string_view address) const {
  size_t at = address.rfind('@');
  std::string local(address.substr(0, at));
  std::string domain(at == address.npos ? std::string_view() : address.substr(at));
  if (command_.fold_local) local = to_lower(local);
  if (command_.fold_domain) domain = to_lower(domain);
  return local + domain;
}

std::string Expansion::address(std::string_view internal) const {
  std::string folded = fold(internal);
  return command_.quote_local ? message::to_external(folded) : folded;
}

std::string Expansion::sender() const {
  const std::string& sender = message_.sender.empty() ? command_.null_sender : message_.sender;
  return command_.quote_local && !sender.empty() ? message::to_external(sender) : sender;
}

std::optional<std::string> Expansion::recipient_value(std::string_view name, const PipeRecipient& recipient) {
  if (name == "recipient") return address(recipient.address);
  if (name == "original_recipient") return address(recipient.original.empty() ? recipient.address : recipient.original);
  std::string whole = fold(recipient.address);
  size_t at = whole.rfind('@');
  std::string local = whole.substr(0, at);
  if (name == "mailbox") return local;
  if (name == "domain") return at == whole.npos ? "" : whole.substr(at + 1);
  RecipientName parts = split_recipient(whole, message_.recipient_delimiter, OwnerRule::special);
  if (name == "user") return local.substr(0, parts.user.size());
  if (name == "extension") return local.substr(local.size() - parts.extension.size());
  return std::nullopt;
}

std::optional<std::string> Expansion::value(std::string_view name, const PipeRecipient& recipient) {
  if (auto known = recipient_value(name, recipient)) {
    per_recipient_ = true;
    return known;
  }
  if (name == "sender") return sender();
  if (name == "nexthop") return command_.fold_domain ? to_lower(message_.nexthop) : message_.nexthop;
  if (name == "queue_id") return message_.queue_id;
  if (name == "size") return std::to_string(message_.size);
  for (auto& [known, text] : message_.attributes) {
    if (known == name) return text;
  }
  return std::nullopt;
}

Result<std::string> Expansion::expand(std::string_view argument, const PipeRecipient& recipient) {
  std::string out;
  for (size_t at = 0; at < argument.size();) {
    if (argument[at] != '$') {
      out += argument[at++];
    } else if (at + 1 < argument.size() && argument[at + 1] == '$') {
      out += '$';
      at += 2;
    } else {
      Macro macro = macro_at(argument, at);
      auto text = macro.name.empty() ? std::nullopt : value(macro.name, recipient);
      if (!text) return permanent("pipe: unknown macro in argument \"" + std::string(argument) + "\"", "5.3.5");
      out += *text;
      at = macro.end;
    }
  }
  return out;
}

Result<> Expansion::add(std::string_view argument) {
  for (const PipeRecipient& recipient : message_.recipients) {
    per_recipient_ = false;
    UMAYA_TRY(std::string expanded, expand(argument, recipient));
    std::erase(expanded, '\0');
    out_.push_back(std::move(expanded));
    if (!per_recipient_) break;
  }
  return {};
}

}  // namespace

std::string unescape_c(std::string_view text) {
  static constexpr std::string_view kLetters = "abfnrtv\\";
  static constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    ++i;
    size_t letter = kLetters.find(text[i]);
    if (letter != kLetters.npos) {
      out += kBytes[letter];
    } else if (text[i] >= '0' && text[i] <= '7') {
      int code = 0;
      size_t end = std::min(i + 3, text.size());
      for (; i < end && text[i] >= '0' && text[i] <= '7'; ++i) code = code * 8 + (text[i] - '0');
      --i;
      out += static_cast<char>(code);
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<PipeCommand> parse_pipe_arguments(const std::vector<std::string>& arguments) {
  PipeCommand command;
  size_t i = 0;
  for (; i < arguments.size() && !arguments[i].starts_with("argv="); ++i) {
    std::string_view word = arguments[i];
    size_t equals = word.find('=');
    if (equals == word.npos) return permanent("pipe: expected attribute=value, found \"" + arguments[i] + "\"");
    UMAYA_CHECK(set_attribute(command, word.substr(0, equals), word.substr(equals + 1)));
  }
  if (i == arguments.size()) return permanent("pipe: no argv= with the command");
  command.argv.push_back(arguments[i].substr(5));
  command.argv.insert(command.argv.end(), arguments.begin() + static_cast<ptrdiff_t>(i) + 1, arguments.end());
  if (command.argv[0].empty()) return permanent("pipe: argv= names no command");
  if (command.user.empty()) return permanent("pipe: no user= to run the command as");
  return command;
}

Result<std::vector<std::string>> expand_argv(const PipeCommand& command, const PipeMessage& message) {
  Expansion expansion(command, message);
  for (const std::string& argument : command.argv) UMAYA_CHECK(expansion.add(argument));
  return expansion.take();
}

}  // namespace umaya::local_delivery
