// NAME    bounce_template - the words of failure notices, delay warnings and delivery reports
//
// SYNOPSIS
//     UMAYA_TRY(BounceTemplates all, parse_bounce_templates(text, "/etc/umaya/bounce.cf"));
//     std::string words = expand_bounce_text(all.failure, lookup);
//
// DESCRIPTION
//     The file of bounce_template_file has up to four templates, each "failure_template = <<EOF", some headers
//     (Charset, From, Subject, Postmaster-Subject), an empty line, text, and a line with the end word alone. Templates
//     that the file leaves out keep their built-in form. In the text $name, ${name} and $(name) stand for parameters,
//     $$ for a dollar sign; delay_warning_time and maximal_queue_lifetime take a suffix _seconds, _minutes, _hours,
//     _days or _weeks that says the unit. See bounce(5).
//
// ERRORS
//     A malformed file is a permanent error that names file and line.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"

namespace umaya::message {

struct BounceTemplate {
  std::string name;  ///< "failure", "delay", "success" or "verify"
  std::string charset = "us-ascii";
  std::string from = "Mail Delivery System <MAILER-DAEMON>";
  std::string subject;
  std::string postmaster_subject;  ///< empty: this kind has no copy for the postmaster
  std::string text;                ///< lines that end with LF, parameters not expanded
};

struct BounceTemplates {
  BounceTemplate failure;
  BounceTemplate delay;
  BounceTemplate success;
  BounceTemplate verify;
};

/// The text of a parameter; nothing when there is none of that name.
using ParameterLookup = std::function<std::optional<std::string>(std::string_view name)>;

BounceTemplates default_bounce_templates();
/// Reads a template file; what it does not define comes from the built-in templates.
Result<BounceTemplates> parse_bounce_templates(std::string_view text, std::string_view file_name);
/// The text with its parameters filled in. An unknown parameter becomes nothing.
std::string expand_bounce_text(const BounceTemplate& one, const ParameterLookup& lookup);
/// The From header with "@origin" added to an address that has no domain.
std::string qualify_bounce_from(std::string_view from, std::string_view origin);

/// All four templates as in a template file (postconf -t).
std::string print_bounce_templates(const BounceTemplates& all);
/// The four texts with their parameters filled in (postconf -b).
std::string preview_bounce_templates(const BounceTemplates& all, const ParameterLookup& lookup);

}  // namespace umaya::message
