#include "smtpd/params.h"

#include "libcommon/config/expand.h"
#include "libcommon/config/values.h"
#include "smtpd/reject_footer.h"

namespace umaya::smtpd {

Result<> set_bare_newline(Params& params, const std::string& value) {
  if (iequals(value, "normalize") || iequals(value, "yes")) {
    params.bare_newline = BareNewline::normalize;
  } else if (iequals(value, "reject")) {
    params.bare_newline = BareNewline::reject;
  } else if (iequals(value, "note")) {
    params.bare_newline = BareNewline::note;
  } else if (iequals(value, "no")) {
    params.bare_newline = BareNewline::no;
  } else {
    return permanent("use one of normalize, note, reject, yes, no");
  }
  return {};
}

Result<> set_upstream_proxy(Params& params, const std::string& value) {
  if (!value.empty() && value != "haproxy") return permanent("use haproxy, or nothing");
  params.upstream_proxy = value;
  return {};
}

Result<> set_expansion_filter(Params& params, const std::string& value) {
  params.expansion_filter = without_escapes(value);
  return {};
}

Result<> set_proxy_options(Params& params, const std::string& value) {
  for (std::string_view word : split_list(value)) {
    if (!iequals(word, "speed_adjust")) return permanent("use speed_adjust, or nothing");
    params.proxy_speed_adjust = true;
  }
  return {};
}

/// The text of one parameter with the given $stress.
static Result<std::string> text_under(const config::Config& config, std::string_view name, Stress stress) {
  auto lookup = [&](std::string_view other) -> std::optional<std::string> {
    if (other == "stress") return stress == Stress::yes ? "yes" : "";
    return config.raw(other);
  };
  return config::expand(config.raw(name).value_or(""), lookup);
}

Result<Patience> patience_under(const config::Config& config, Stress stress) {
  Patience patience;
  auto number = [&](std::string_view name, int64_t& out) -> Result<> {
    UMAYA_TRY(std::string text, text_under(config, name, stress));
    auto value = config::parse_number(text, config::find_param(name)->limits);
    if (!value) return config.bad_value(name, value.error().what);
    out = *value;
    return {};
  };
  UMAYA_CHECK(number("smtpd_hard_error_limit", patience.hard_error_limit));
  UMAYA_CHECK(number("smtpd_junk_command_limit", patience.junk_command_limit));
  auto time = [&](std::string_view name, Duration& out) -> Result<> {
    UMAYA_TRY(std::string text, text_under(config, name, stress));
    auto value = config::parse_time(text, config::find_param(name)->limits);
    if (!value) return config.bad_value(name, value.error().what);
    out = *value;
    return {};
  };
  UMAYA_CHECK(time("smtpd_timeout", patience.timeout));
  UMAYA_CHECK(time("smtpd_starttls_timeout", patience.starttls_timeout));
  return patience;
}

}  // namespace umaya::smtpd
