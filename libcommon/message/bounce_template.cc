#include "libcommon/message/bounce_template.h"

#include <fmt/format.h>

#include <array>

#include "libcommon/base/strings.h"

namespace umaya::message {
namespace {

constexpr std::string_view kFailureText =
    "This is the mail system at host $myhostname.\n"
    "\n"
    "Your message could not be delivered to the recipients named below;\n"
    "what each of them failed with stands beside the address. The message\n"
    "itself is returned further below.\n"
    "\n"
    "If you need help, write to postmaster and include this report; your\n"
    "own text may be cut from the returned message.\n"
    "\n"
    "                   The mail system\n";

constexpr std::string_view kDelayText =
    "This is the mail system at host $myhostname.\n"
    "\n"
    "##################################################################\n"
    "# THIS IS ONLY A WARNING.  YOU NEED NOT SEND YOUR MESSAGE AGAIN. #\n"
    "##################################################################\n"
    "\n"
    "Your message has been waiting for more than $delay_warning_time_hours hour(s).\n"
    "Delivery is tried again until it is $maximal_queue_lifetime_days day(s) old.\n"
    "\n"
    "If you need help, write to postmaster and include this report.\n"
    "\n"
    "                   The mail system\n";

constexpr std::string_view kSuccessText =
    "This is the mail system at host $myhostname.\n"
    "\n"
    "Your message was delivered to the recipients named below. Where it\n"
    "went into a mailbox, this is the last you hear of it; where it was\n"
    "handed to another system, that system may still report an error.\n"
    "\n"
    "                   The mail system\n";

constexpr std::string_view kVerifyText =
    "This is the mail system at host $myhostname.\n"
    "\n"
    "Here is the delivery report that you asked for.\n"
    "\n"
    "                   The mail system\n";

BounceTemplate make(std::string_view name, std::string_view subject, std::string_view postmaster_subject,
                    std::string_view text) {
  BounceTemplate one;
  one.name = name;
  one.subject = subject;
  one.postmaster_subject = postmaster_subject;
  one.text = text;
  return one;
}

BounceTemplate* find(BounceTemplates& all, std::string_view name) {
  for (BounceTemplate* one : {&all.failure, &all.delay, &all.success, &all.verify}) {
    if (name == one->name + "_template") return one;
  }
  return nullptr;
}

/// Lines of a text, counted, without their ends.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return true;
  }
  int number() const { return number_; }

 private:
  std::string_view rest_;
  int number_ = 0;
};

std::unexpected<Error> refuse(std::string_view file, int line, std::string_view what) {
  return permanent(fmt::format("{}, line {}: {}", file, line, what));
}

/// Sets one header of a template; an error text when there is none of that name.
std::string_view set_header(BounceTemplate& one, std::string_view line) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "expected \"Header: value\" or an empty line before the text";
  std::string_view name = trim(line.substr(0, colon)), value = trim(line.substr(colon + 1));
  if (!is_ascii(value) || value.find('\0') != value.npos) return "a template header must be ASCII text";
  if (value.empty()) return "a template header must not be empty";
  if (iequals(name, "Charset")) {
    one.charset = value;
  } else if (iequals(name, "From")) {
    one.from = value;
  } else if (iequals(name, "Subject")) {
    one.subject = value;
  } else if (iequals(name, "Postmaster-Subject")) {
    if (one.postmaster_subject.empty()) return "this template has no postmaster copy; remove Postmaster-Subject";
    one.postmaster_subject = value;
  } else {
    return "unknown template header; Charset, From, Subject and Postmaster-Subject are known";
  }
  return {};
}

/// Reads headers and text up to the line that is the end word.
Result<> parse_one(Lines& lines, std::string_view end_word, BounceTemplate& one, std::string_view file) {
  const int start = lines.number();
  bool in_headers = true;
  std::string text;
  std::string_view line;
  while (lines.next(line)) {
    if (line == end_word) {
      if (text.empty()) return refuse(file, lines.number(), "the template has no text");
      if (!is_ascii(text) && iequals(one.charset, "us-ascii")) {
        return refuse(file, lines.number(), "the text is not ASCII: say its character set in a Charset: header");
      }
      one.text = std::move(text);
      return {};
    }
    bool could_be_header = in_headers && !line.empty() && !ascii_space(line[0]);
    if (could_be_header) {
      if (auto wrong = set_header(one, line); !wrong.empty()) return refuse(file, lines.number(), wrong);
    } else if (in_headers && line.empty()) {
      in_headers = false;
    } else if (in_headers) {
      return refuse(file, lines.number(), "a template header must stand on one line");
    } else {
      text.append(line).push_back('\n');
    }
  }
  return refuse(file, start, fmt::format("the template is not ended by a line \"{}\"", end_word));
}

struct Unit {
  std::string_view suffix;
  uint64_t seconds;
};
constexpr std::array kUnits = {Unit{"_seconds", 1}, Unit{"_minutes", 60}, Unit{"_hours", 3600}, Unit{"_days", 86400},
                               Unit{"_weeks", 604800}};

/// "5d" in seconds, with the unit that is meant when none is written.
std::optional<uint64_t> seconds_of(std::string_view text, uint64_t unit) {
  text = trim(text);
  if (!text.empty() && ascii_alpha(text.back())) {
    switch (ascii_lower(text.back())) {
      case 's':
        unit = 1;
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86400;
        break;
      case 'w':
        unit = 604800;
        break;
      default:
        return {};
    }
    text.remove_suffix(1);
  }
  auto number = parse_uint(text);
  if (!number || *number > UINT64_MAX / unit) return {};
  return *number * unit;
}

std::string parameter(std::string_view name, const ParameterLookup& lookup) {
  struct Timed {
    std::string_view name;
    uint64_t default_unit;
  };
  for (const Timed& timed : {Timed{"delay_warning_time", 3600}, Timed{"maximal_queue_lifetime", 86400}}) {
    if (!name.starts_with(timed.name)) continue;
    for (const Unit& unit : kUnits) {
      if (name.substr(timed.name.size()) != unit.suffix) continue;
      auto value = lookup(timed.name);
      auto seconds = value ? seconds_of(*value, timed.default_unit) : std::nullopt;
      return seconds ? std::to_string(*seconds / unit.seconds) : std::string();
    }
  }
  return lookup(name).value_or("");
}

bool is_name_character(char c) {
  return ascii_alnum(c) || c == '_';
}

/// Reads what follows a dollar sign; gives the number of characters used.
size_t expand_one(std::string_view rest, const ParameterLookup& lookup, std::string& out) {
  if (rest.starts_with('$')) {
    out.push_back('$');
    return 1;
  }
  const char close = rest.starts_with('{') ? '}' : rest.starts_with('(') ? ')' : '\0';
  size_t begin = close ? 1 : 0, end = begin;
  while (end < rest.size() && is_name_character(rest[end])) ++end;
  const bool complete = end > begin && (!close || (end < rest.size() && rest[end] == close));
  if (!complete) {
    out.push_back('$');
    return 0;
  }
  out += parameter(rest.substr(begin, end - begin), lookup);
  return close ? end + 1 : end;
}

}  // namespace

BounceTemplates default_bounce_templates() {
  return {make("failure", "Undelivered Mail Returned to Sender", "Postmaster Copy: Undelivered Mail", kFailureText),
          make("delay", "Delayed Mail (still being retried)", "Postmaster Warning: Delayed Mail", kDelayText),
          make("success", "Successful Mail Delivery Report", "", kSuccessText),
          make("verify", "Mail Delivery Status Report", "", kVerifyText)};
}

Result<BounceTemplates> parse_bounce_templates(std::string_view text, std::string_view file_name) {
  BounceTemplates all = default_bounce_templates();
  Lines lines(text);
  std::string_view line;
  while (lines.next(line)) {
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    size_t equals = line.find('=');
    std::string_view value = equals == line.npos ? std::string_view() : trim(line.substr(equals + 1));
    if (!value.starts_with("<<")) {
      return refuse(file_name, lines.number(), "expected \"failure_template = <<EOF\" or the like");
    }
    std::string_view end_word = trim(value.substr(2));
    if (end_word.empty() || end_word.find_first_of("'\"") != end_word.npos) {
      return refuse(file_name, lines.number(), "expected a word without quotes after <<");
    }
    BounceTemplate* one = find(all, trim(line.substr(0, equals)));
    if (!one) {
      return refuse(
          file_name, lines.number(),
          "unknown template; failure_template, delay_template, success_template and verify_template are known");
    }
    UMAYA_CHECK(parse_one(lines, end_word, *one, file_name));
  }
  return all;
}

std::string expand_bounce_text(const BounceTemplate& one, const ParameterLookup& lookup) {
  std::string out;
  std::string_view rest = one.text;
  while (!rest.empty()) {
    size_t dollar = rest.find('$');
    out.append(rest.substr(0, dollar));
    if (dollar == rest.npos) break;
    rest.remove_prefix(dollar + 1);
    rest.remove_prefix(expand_one(rest, lookup, out));
  }
  return out;
}

std::string qualify_bounce_from(std::string_view from, std::string_view origin) {
  if (from.find('@') != from.npos) return std::string(from);
  const std::string domain = "@" + std::string(origin);
  size_t open = from.find('<'), close = from.find('>');
  if (open != from.npos && close != from.npos && close > open + 1) {
    return std::string(from.substr(0, close)) + domain + std::string(from.substr(close));
  }
  size_t end = from.find_first_of(" \t(");
  if (end == from.npos) return std::string(from) + domain;
  return std::string(from.substr(0, end)) + domain + std::string(from.substr(end));
}

std::string print_bounce_templates(const BounceTemplates& all) {
  std::string out;
  for (const BounceTemplate* one : {&all.failure, &all.delay, &all.success, &all.verify}) {
    out += fmt::format("{}_template = <<EOF\nCharset: {}\nFrom: {}\nSubject: {}\n", one->name, one->charset, one->from,
                       one->subject);
    if (!one->postmaster_subject.empty()) out += fmt::format("Postmaster-Subject: {}\n", one->postmaster_subject);
    out += fmt::format("\n{}EOF\n\n", one->text);
  }
  return out;
}

std::string preview_bounce_templates(const BounceTemplates& all, const ParameterLookup& lookup) {
  std::string out;
  for (const BounceTemplate* one : {&all.failure, &all.delay, &all.success, &all.verify}) {
    out += fmt::format("expanded_{}_text = <<EOF\n{}EOF\n\n", one->name, expand_bounce_text(*one, lookup));
  }
  return out;
}

}  // namespace umaya::message
