#include "submission/sendmail.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/message/header.h"
#include "libcommon/message/verp.h"
#include "submission/authorized_users.h"
#include "submission/message_input.h"

namespace umaya::submission {
namespace {

namespace postdrop = services::postdrop;

constexpr size_t kBlock = 64 * 1024;

void add_list(std::string_view value, std::vector<std::string>& out) {
  for (auto& one : message::parse_address_list(value).addresses) {
    if (!one.address.empty()) out.push_back(std::move(one.address));
  }
}

/// -f's argument in internal form; the login name when it is not given.
std::string sender_of(const SendmailOptions& o) {
  if (!o.sender_given) return user_name(::getuid());
  auto list = message::parse_address_list(o.sender);
  return list.addresses.empty() ? std::string() : list.addresses.front().address;
}

/// -F, else $NAME, else the full name of the account ('&' stands for the login name).
std::string full_name_of(const SendmailOptions& o) {
  if (!o.full_name.empty()) return o.full_name;
  const char* name = ::getenv("NAME");
  if (name && *name && postdrop::is_clean(name)) return name;
  const passwd* account = ::getpwuid(::getuid());
  if (!account || !account->pw_gecos) return {};
  std::string_view gecos = account->pw_gecos;
  gecos = gecos.substr(0, gecos.find(','));
  std::string full;
  for (char c : gecos) {
    if (c != '&') {
      full.push_back(c);
    } else if (std::string_view login = account->pw_name; !login.empty()) {
      full.push_back(ascii_upper(login[0]));
      full.append(login.substr(1));
    }
  }
  return postdrop::is_clean(full) ? full : std::string();
}

/// Attack S41: a line end in an argument must not get as far as a parser that takes it for white space.
Result<> check_arguments(const SendmailOptions& o) {
  auto check = [](std::string_view what, std::string text) {
    std::ranges::replace(text, '\t', ' ');
    return postdrop::check_clean(what, text);
  };
  UMAYA_CHECK(check("sender", o.sender));
  for (const std::string& argument : o.arguments) UMAYA_CHECK(check("recipient", argument));
  return {};
}

std::string verp_delimiters_of(const config::Config& config, const SendmailOptions& o) {
  return o.verp_delimiters.empty() ? config.get("default_verp_delimiters") : o.verp_delimiters;
}

Result<postdrop::Start> start_of(const config::Config& config, const SendmailOptions& o) {
  UMAYA_CHECK(check_arguments(o));
  postdrop::Start start;
  start.sender = sender_of(o);
  start.full_name = full_name_of(o);
  start.envid = o.envid;
  start.ret = o.ret;
  start.body = o.body;
  start.smtputf8 = !is_ascii(start.sender);
  start.verify_only = o.mode == Mode::verify;
  start.report_delivery = o.mode == Mode::deliver && o.report_delivery;
  if (o.verp) start.verp_delimiters = verp_delimiters_of(config, o);
  UMAYA_CHECK(postdrop::check_clean(start));
  return start;
}

Result<> send_recipients(postdrop::Client& drop, const std::vector<std::string>& addresses, const SendmailOptions& o) {
  for (const std::string& address : addresses) {
    services::Recipient recipient;
    recipient.address = address;
    recipient.notify = o.notify;
    UMAYA_CHECK(postdrop::check_clean(recipient));
    UMAYA_CHECK(drop.recipient(recipient));
  }
  return {};
}

/// Standard input through the message's rules; header_recipients is filled on the way when it is given.
class InputPump {
 public:
  InputPump(InputRules rules, uint64_t limit, HeaderRecipients* headers)
      : input_(rules), limit_(limit), headers_(headers) {}

  /// Gives false when the message is too large.
  Result<bool> run(postdrop::Client& drop) {
    std::string block(kBlock, '\0');
    uint64_t total = 0;
    while (!input_.ended()) {
      ssize_t n = ::read(STDIN_FILENO, block.data(), block.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return sys_error("read standard input");
      if (n == 0) break;
      total += static_cast<uint64_t>(n);
      if (limit_ > 0 && total > limit_) return false;
      UMAYA_CHECK(pass(drop, input_.feed(std::string_view(block).substr(0, static_cast<size_t>(n)))));
    }
    UMAYA_CHECK(pass(drop, input_.finish()));
    if (headers_) scanner_.finish([this](const message::Header& h) { headers_->add_header(h.name, h.value); });
    return true;
  }

 private:
  Result<> pass(postdrop::Client& drop, const std::string& text) {
    if (headers_ && !scanner_.done()) {
      scanner_.feed(text, [this](const message::Header& h) { headers_->add_header(h.name, h.value); });
    }
    return drop.content(text);
  }

  MessageInput input_;
  uint64_t limit_;
  HeaderRecipients* headers_;
  message::HeaderScanner scanner_;
};

/// Asks postdrop's answer, says what it says, gives the exit status.
int conclude(postdrop::Client& drop, const postdrop::Start& start) {
  auto receipt = drop.finish();
  if (!receipt) return fail(EX_TEMPFAIL, receipt.error().what);
  if (receipt->status != 0) return fail(receipt->status, receipt->reason);
  if (start.verify_only || start.report_delivery) {
    std::printf("Mail Delivery Status Report will be mailed to <%s>.\n", message::to_external(start.sender).c_str());
  }
  return EX_OK;
}

/// Status for an error on the way to postdrop: what it answered, if it did, says more.
int explain_broken(postdrop::Client& drop, const Error& error) {
  if (error.is_permanent()) return fail(EX_DATAERR, error.what);
  auto receipt = drop.finish();
  if (receipt && receipt->status != 0) return fail(receipt->status, receipt->reason);
  return fail(EX_TEMPFAIL, error.what);
}

Result<InputRules> input_rules(const config::Config& config, const SendmailOptions& o) {
  InputRules rules;
  rules.dot_ends = !o.dot_is_text;
  auto endings = parse_line_endings(config.get("sendmail_fix_line_endings"));
  if (!endings) return config.bad_value("sendmail_fix_line_endings", endings.error().what);
  rules.line_endings = *endings;
  return rules;
}

/// Everything between the first record and postdrop's answer.
int feed(const config::Config& config, const SendmailOptions& o, const postdrop::Start& start, postdrop::Client& drop) {
  const std::vector<std::string> named = addresses_of(o.arguments);
  if (auto sent = drop.start_message(start); !sent) return explain_broken(drop, sent.error());
  if (auto sent = send_recipients(drop, named, o); !sent) return explain_broken(drop, sent.error());
  if (start.verify_only) {
    if (auto sent = drop.content(probe_text(start.sender, named)); !sent) return explain_broken(drop, sent.error());
    return conclude(drop, start);
  }
  auto rules = input_rules(config, o);
  if (!rules) return fail(EX_CONFIG, rules.error().what);
  HeaderRecipients headers;
  const auto limit = static_cast<uint64_t>(config.get_size("message_size_limit").value_or(0));
  auto pumped = InputPump(*rules, limit, o.recipients_from_headers ? &headers : nullptr).run(drop);
  if (!pumped) return explain_broken(drop, pumped.error());
  if (!*pumped) return fail(EX_UNAVAILABLE, fmt::format("message is larger than message_size_limit ({} bytes)", limit));
  const std::vector<std::string> found = headers.take();
  if (named.empty() && found.empty()) return fail(EX_USAGE, "No recipient addresses found in message header");
  if (auto sent = send_recipients(drop, found, o); !sent) return explain_broken(drop, sent.error());
  return conclude(drop, start);
}

}  // namespace

int fail(int status, std::string_view text) {
  log::write(log::Level::fatal, text);
  return status;
}

void HeaderRecipients::add_header(std::string_view name, std::string_view value) {
  if (istarts_with(name, "Resent-")) {
    resent_ = true;
    name.remove_prefix(7);
    if (iequals(name, "To") || iequals(name, "Cc") || iequals(name, "Bcc")) add_list(value, resent_recipients_);
  } else if (iequals(name, "To") || iequals(name, "Cc") || iequals(name, "Bcc")) {
    add_list(value, recipients_);
  }
}

std::vector<std::string> addresses_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (const std::string& argument : arguments) add_list(argument, out);
  return out;
}

std::string probe_text(std::string_view sender, const std::vector<std::string>& recipients) {
  std::string text = fmt::format("From: {}\r\nSubject: probe\r\nTo:", message::to_external(sender));
  for (size_t i = 0; i < recipients.size(); ++i) {
    text += fmt::format("\t{}{}\r\n", message::to_external(recipients[i]), i + 1 < recipients.size() ? "," : "");
  }
  return text + "\r\n";
}

std::string find_program(const config::Config& config, std::string_view name, std::string_view directory_parameter) {
  char own[4096];
  ssize_t n = ::readlink("/proc/self/exe", own, sizeof own);
  if (n > 0) {
    std::string_view exe(own, static_cast<size_t>(n));
    std::string_view here = exe.substr(0, exe.rfind('/'));
    for (std::string_view place : {"", "/../libexec"}) {
      std::string path = fmt::format("{}{}/{}", here, place, name);
      if (::access(path.c_str(), X_OK) == 0) return path;
    }
  }
  return fmt::format("{}/{}", config.get(directory_parameter), name);
}

int post_message(const config::Config& config, const SendmailOptions& o) {
  const std::string user = user_name(::getuid());
  auto allowed = is_authorized(config, "authorized_submit_users", user);
  if (!allowed) return fail(EX_TEMPFAIL, allowed.error().what);
  if (!*allowed) return fail(EX_NOPERM, fmt::format("User {}({}) is not allowed to submit mail", user, ::getuid()));
  if (o.mode == Mode::verify && o.recipients_from_headers) return fail(EX_USAGE, "-t cannot be used with -bv");
  if (addresses_of(o.arguments).empty() && !o.recipients_from_headers) {
    return fail(EX_USAGE, "Recipient addresses must be specified on the command line or via the -t option");
  }
  const std::string delimiters = config.get("verp_delimiter_filter");
  if (o.verp && !message::valid_verp_delimiters(verp_delimiters_of(config, o), delimiters)) {
    return fail(EX_USAGE, fmt::format("-XV: \"{}\" are not two characters of \"{}\" (verp_delimiter_filter)",
                                      verp_delimiters_of(config, o), delimiters));
  }
  auto start = start_of(config, o);
  if (!start) return fail(EX_DATAERR, start.error().what);
  auto drop = postdrop::Client::start(find_program(config, "postdrop", "command_directory"), config.directory());
  if (!drop) return fail(EX_OSERR, drop.error().what);
  return feed(config, o, *start, *drop);
}

}  // namespace umaya::submission
