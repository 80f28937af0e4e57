#include "libcommon/smtp/command.h"

#include "libcommon/base/strings.h"

namespace umaya::smtp {

static bool blank(char c) {
  return c == ' ' || c == '\t';
}

Command parse_command(std::string_view line) {
  line = trim(line);
  size_t n = 0;
  while (n < line.size() && !blank(line[n])) ++n;
  return {line.substr(0, n), trim(line.substr(n))};
}

std::vector<std::string_view> split_words(std::string_view text, size_t limit) {
  std::vector<std::string_view> out;
  size_t i = 0;
  while (true) {
    while (i < text.size() && blank(text[i])) ++i;
    if (i == text.size()) return out;
    size_t begin = i;
    if (out.size() + 1 == limit) {
      out.push_back(text.substr(begin));
      return out;
    }
    bool quoted = false, bracket = false;
    for (; i < text.size() && (quoted || bracket || !blank(text[i])); ++i) {
      char c = text[i];
      if (c == '\\' && quoted) {
        if (i + 1 < text.size()) ++i;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (!quoted && c == '<') {
        bracket = true;
      } else if (!quoted && c == '>') {
        bracket = false;
      }
    }
    out.push_back(text.substr(begin, i - begin));
  }
}

namespace {

constexpr size_t kMaxParameters = 50;

std::unexpected<Refusal> refuse(int code, std::string_view dsn, std::string text) {
  return std::unexpected(Refusal{code, std::string(dsn), std::move(text)});
}

std::unexpected<Refusal> unsupported(std::string_view parameter) {
  return refuse(555, "5.5.4", "Unsupported option: " + std::string(parameter.substr(0, 100)));
}

/// "FROM:" or "TO:" and the words after it, the first of which is the path.
std::optional<std::vector<std::string_view>> path_and_parameters(std::string_view rest, std::string_view keyword) {
  if (!istarts_with(rest, keyword)) return {};
  rest.remove_prefix(keyword.size());
  while (!rest.empty() && blank(rest.front())) rest.remove_prefix(1);
  if (rest.empty() || rest.front() != ':') return {};
  auto words = split_words(rest.substr(1), kMaxParameters + 2);
  if (words.empty()) return {};
  return words;
}

struct Parameter {
  std::string_view name;
  std::optional<std::string_view> value;
  bool is(std::string_view wanted) const { return iequals(name, wanted); }
};

Parameter split_parameter(std::string_view word) {
  size_t equals = word.find('=');
  if (equals == std::string_view::npos) return {word, {}};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

std::expected<void, Refusal> mail_size(MailCommand& mail, const Parameter& p) {
  std::string_view value = p.value.value_or("");
  bool digits = !value.empty() && value.size() <= 20 && value.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits || mail.size) return refuse(501, "5.5.4", "Bad message size syntax");
  auto number = parse_uint(value);
  mail.size = number ? *number : UINT64_MAX;
  return {};
}

std::expected<void, Refusal> mail_dsn(MailCommand& mail, const Parameter& p) {
  if (p.is("RET")) {
    auto ret = parse_ret(p.value.value_or(""));
    if (!ret || mail.ret != Ret::none) return refuse(501, "5.5.4", "Bad RET parameter syntax");
    mail.ret = *ret;
    return {};
  }
  std::string_view value = p.value.value_or("");
  if (value.empty() || value.size() > 100 || !mail.envid.empty() || !xtext_decode(value)) {
    return refuse(501, "5.5.4", "Bad ENVID parameter syntax");
  }
  mail.envid = value;
  return {};
}

std::expected<void, Refusal> mail_parameter(MailCommand& mail, std::string_view word, const Offered& offered) {
  Parameter p = split_parameter(word);
  if (offered.size && p.is("SIZE")) return mail_size(mail, p);
  if (offered.dsn && (p.is("RET") || p.is("ENVID"))) return mail_dsn(mail, p);
  if (offered.eight_bit && p.is("BODY") && p.value) {
    if (iequals(*p.value, "7BIT")) {
      mail.body = BodyType::seven_bit;
    } else if (iequals(*p.value, "8BITMIME")) {
      mail.body = BodyType::eight_bit_mime;
    } else {
      return unsupported(word);
    }
    return {};
  }
  if (offered.smtputf8 && p.is("SMTPUTF8")) {
    if (p.value) return refuse(501, "5.5.4", "SMTPUTF8 takes no value");
    mail.smtputf8 = true;
    return {};
  }
  if (offered.verp && p.is("XVERP")) {
    mail.verp = p.value.value_or("");
    return {};
  }
  if (offered.auth && p.is("AUTH")) {
    std::string_view value = p.value.value_or("");
    auto decoded = xtext_decode(value);
    if (value.empty() || !decoded || mail.auth) return refuse(501, "5.5.4", "Bad AUTH parameter syntax");
    mail.auth = std::move(*decoded);
    return {};
  }
  return unsupported(word);
}

std::expected<void, Refusal> rcpt_parameter(RcptCommand& rcpt, std::string_view word, const Offered& offered) {
  Parameter p = split_parameter(word);
  if (offered.dsn && p.is("NOTIFY")) {
    auto notify = parse_notify(p.value.value_or(""));
    if (!notify || rcpt.notify != kNotifyNone) return refuse(501, "5.5.4", "Error: Bad NOTIFY parameter syntax");
    rcpt.notify = *notify;
    return {};
  }
  if (offered.dsn && p.is("ORCPT")) {
    auto orcpt = parse_orcpt(p.value.value_or(""));
    if (!orcpt || rcpt.orcpt) return refuse(501, "5.5.4", "Error: Bad ORCPT parameter syntax");
    rcpt.orcpt = std::move(*orcpt);
    return {};
  }
  return unsupported(word);
}

}  // namespace

std::expected<MailCommand, Refusal> parse_mail(std::string_view rest, const Offered& offered) {
  auto words = path_and_parameters(rest, "FROM");
  if (!words) return refuse(501, "5.5.4", "Syntax: MAIL FROM:<address>");
  MailCommand mail;
  mail.path = words->front();
  if (words->size() > kMaxParameters + 1) return refuse(501, "5.5.4", "Error: too many parameters");
  for (size_t i = 1; i < words->size(); ++i) {
    auto ok = mail_parameter(mail, (*words)[i], offered);
    if (!ok) return std::unexpected(ok.error());
  }
  return mail;
}

std::expected<RcptCommand, Refusal> parse_rcpt(std::string_view rest, const Offered& offered) {
  auto words = path_and_parameters(rest, "TO");
  if (!words) return refuse(501, "5.5.4", "Syntax: RCPT TO:<address>");
  RcptCommand rcpt;
  rcpt.path = words->front();
  if (words->size() > kMaxParameters + 1) return refuse(501, "5.5.4", "Error: too many parameters");
  for (size_t i = 1; i < words->size(); ++i) {
    auto ok = rcpt_parameter(rcpt, (*words)[i], offered);
    if (!ok) return std::unexpected(ok.error());
  }
  return rcpt;
}

std::expected<BdatCommand, Refusal> parse_bdat(std::string_view rest) {
  auto words = split_words(rest);
  BdatCommand bdat;
  std::string_view number = words.empty() ? std::string_view{} : words[0];
  bool last_ok = words.size() == 1 || (words.size() == 2 && iequals(words[1], "LAST"));
  auto size = number.find_first_not_of("0123456789") == std::string_view::npos ? parse_uint(number) : std::nullopt;
  if (!last_ok || !size || *size > (uint64_t{1} << 62)) return refuse(501, "5.5.4", "Syntax: BDAT count [LAST]");
  bdat.size = *size;
  bdat.last = words.size() == 2;
  return bdat;
}

}  // namespace umaya::smtp
