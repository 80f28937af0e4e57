#include "submission/sendmail_options.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"

namespace umaya::submission {
namespace {

constexpr std::string_view kWithArgument = "ABCFLNOREVXbdefhopr";
constexpr std::string_view kFlags = "GIUacimnstvw";

std::unexpected<Error> usage(std::string text) {
  return permanent(std::move(text));
}

Result<> set_mode(SendmailOptions& o, std::string_view argument) {
  if (argument.size() != 1) return usage(fmt::format("-b{}: unknown mode", argument));
  switch (argument[0]) {
    case 'm':
      o.mode = Mode::deliver;
      return {};
    case 's':
      o.mode = Mode::smtp;
      return {};
    case 'v':
      o.mode = Mode::verify;
      return {};
    case 'd':
    case 'l':
      o.mode = Mode::daemon;
      return {};
    case 'i':
      o.mode = Mode::aliases;
      return {};
    case 'p':
      o.mode = Mode::list_queue;
      return {};
    case 't':
      o.mode = Mode::test;
      return {};
    case 'h':
    case 'H':
      o.mode = Mode::nothing;
      return {};
    default:
      return usage(fmt::format("-b{}: unknown mode", argument));
  }
}

Result<> set_body(SendmailOptions& o, std::string_view argument) {
  if (iequals(argument, "7BIT")) {
    o.body = services::BodyType::seven_bit;
  } else if (iequals(argument, "8BITMIME")) {
    o.body = services::BodyType::eight_bit;
  } else {
    return usage(fmt::format("-B {}: expected 7BIT or 8BITMIME", argument));
  }
  return {};
}

Result<> set_return(SendmailOptions& o, std::string_view argument) {
  if (iequals(argument, "full")) {
    o.ret = services::Return::full;
  } else if (iequals(argument, "hdrs")) {
    o.ret = services::Return::headers;
  } else {
    return usage(fmt::format("-R {}: expected full or hdrs", argument));
  }
  return {};
}

/// -o: the old way to set options; -oi, -oA and those that do no harm.
Result<> set_old_option(SendmailOptions& o, std::string_view argument) {
  if (argument.empty()) return usage("-o: the option is missing");
  switch (argument[0]) {
    case 'i':
      o.dot_is_text = true;
      return {};
    case 'A':
      if (argument.size() < 2) return usage("-oA: the alias file is missing");
      o.alias_files = argument.substr(1);
      return {};
    default:
      return {};
  }
}

Result<> set_verp(SendmailOptions& o, std::string_view argument) {
  if (!argument.starts_with('V')) return {};  // -X file: a log file of the old program
  if (argument.size() != 1 && argument.size() != 3) return usage("-XV: expected no or two delimiter characters");
  o.verp = true;
  o.verp_delimiters = argument.substr(1);
  return {};
}

Result<> set_with_argument(SendmailOptions& o, char option, std::string_view argument) {
  switch (option) {
    case 'B':
      return set_body(o, argument);
    case 'C':
      o.config_dir = argument;
      return {};
    case 'F':
      o.full_name = argument;
      return {};
    case 'N': {
      UMAYA_TRY(o.notify, parse_notify(argument));
      return {};
    }
    case 'R':
      return set_return(o, argument);
    case 'V':
      o.envid = argument;
      return {};
    case 'X':
      return set_verp(o, argument);
    case 'b':
      return set_mode(o, argument);
    case 'f':
    case 'r':
      o.sender_given = true;
      o.sender = argument;
      return {};
    case 'o':
      return set_old_option(o, argument);
    default:
      return {};  // A L O d e h p: of the old program, without effect
  }
}

void set_flag(SendmailOptions& o, char option) {
  switch (option) {
    case 'I':
      o.mode = Mode::aliases;
      break;
    case 'i':
      o.dot_is_text = true;
      break;
    case 's':
      o.mode = Mode::smtp;
      break;
    case 't':
      o.recipients_from_headers = true;
      break;
    case 'v':
      ++o.verbose;
      break;
    default:
      break;  // G U a c m n w: without effect
  }
}

/// -q, -q5m, -qRsite, -qIid.
Result<> set_queue(SendmailOptions& o, std::string_view rest) {
  if (rest.empty()) {
    o.mode = Mode::flush;
  } else if (rest[0] == 'R' || rest[0] == 'I') {
    o.mode = rest[0] == 'R' ? Mode::flush_site : Mode::flush_one;
    o.queue_argument = rest.substr(1);
    if (o.queue_argument.empty())
      return usage(fmt::format("-q{}: the {} is missing", rest[0], rest[0] == 'R' ? "site" : "queue id"));
  } else if (rest[0] == 'S') {
    return usage("-qS: flushing by sender is not available; -qR flushes by destination");
  } else if (!ascii_digit(rest[0])) {
    return usage(fmt::format("-q{}: expected -q, -qRsite, -qIid or an interval", rest));
  }
  return {};  // an interval belongs to -bd and has no effect
}

/// Reads one word of options; gives how many words were used (the argument may be the next one).
Result<size_t> read_word(SendmailOptions& o, std::string_view word, const std::string* next) {
  for (size_t i = 1; i < word.size(); ++i) {
    char option = word[i];
    std::string_view rest = word.substr(i + 1);
    if (option == 'q') {
      UMAYA_CHECK(set_queue(o, rest));
      return 1;
    }
    if (kWithArgument.find(option) != kWithArgument.npos) {
      if (rest.empty() && !next) return usage(fmt::format("option -{} needs an argument", option));
      UMAYA_CHECK(set_with_argument(o, option, rest.empty() ? std::string_view(*next) : rest));
      return rest.empty() ? 2 : 1;
    }
    if (kFlags.find(option) == kFlags.npos) return usage(fmt::format("unknown option -{}", option));
    set_flag(o, option);
  }
  return 1;
}

Mode mode_of_name(std::string_view program) {
  program.remove_prefix(program.rfind('/') + 1);
  if (program == "mailq") return Mode::list_queue;
  if (program == "newaliases") return Mode::aliases;
  if (program == "smtpd") return Mode::smtp;
  return Mode::deliver;
}

}  // namespace

Result<uint8_t> parse_notify(std::string_view text) {
  uint8_t bits = 0;
  for (std::string_view word : split(text, ", \t")) {
    if (iequals(word, "never")) {
      bits |= services::kNotifyNever;
    } else if (iequals(word, "success")) {
      bits |= services::kNotifySuccess;
    } else if (iequals(word, "failure")) {
      bits |= services::kNotifyFailure;
    } else if (iequals(word, "delay")) {
      bits |= services::kNotifyDelay;
    } else {
      return usage(fmt::format("-N {}: expected never, or success, failure, delay", text));
    }
  }
  if (bits == 0) return usage("-N: expected never, or success, failure, delay");
  if ((bits & services::kNotifyNever) && bits != services::kNotifyNever) return usage("-N: never excludes the others");
  return bits;
}

Result<SendmailOptions> parse_sendmail_options(std::span<const std::string> arguments) {
  SendmailOptions o;
  if (!arguments.empty()) o.mode = mode_of_name(arguments[0]);
  size_t i = 1;
  while (i < arguments.size()) {
    const std::string& word = arguments[i];
    if (word.size() < 2 || word[0] != '-') break;
    if (word == "--") {
      ++i;
      break;
    }
    UMAYA_TRY(size_t used, read_word(o, word, i + 1 < arguments.size() ? &arguments[i + 1] : nullptr));
    i += used;
  }
  for (; i < arguments.size(); ++i) o.arguments.push_back(arguments[i]);
  o.report_delivery = o.verbose > 0;
  return o;
}

}  // namespace umaya::submission
