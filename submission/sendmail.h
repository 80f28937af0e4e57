// NAME    sendmail - posts a message from standard input
//
// DESCRIPTION
//     Makes the envelope of a message from options, arguments and (-t) headers, and gives it to postdrop.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/result.h"
#include "libcommon/config/config.h"
#include "libcommon/services/postdrop.h"
#include "submission/sendmail_options.h"

namespace umaya::submission {

/// Collects the recipients that the headers of a message name: To, Cc and Bcc, or their Resent- forms alone when there
/// is any Resent- header (RFC 5322 3.6.6).
class HeaderRecipients {
 public:
  void add_header(std::string_view name, std::string_view value);
  std::vector<std::string> take() const { return resent_ ? resent_recipients_ : recipients_; }

 private:
  bool resent_ = false;
  std::vector<std::string> recipients_;
  std::vector<std::string> resent_recipients_;
};

/// The addresses in arguments such as "a@b,c" or "Full Name <a@b>", in internal form.
std::vector<std::string> addresses_of(const std::vector<std::string>& arguments);

/// The message that -bv sends instead of one from standard input.
std::string probe_text(std::string_view sender, const std::vector<std::string>& recipients);

/// Where a program of ours lies: beside the running one, else in the directory that the parameter names.
std::string find_program(const config::Config& config, std::string_view name, std::string_view directory_parameter);

/// -bm and -bv: reads standard input, posts, gives the exit status (sysexits.h).
int post_message(const config::Config& config, const SendmailOptions& options);

/// Prints and logs "sendmail: fatal: text"; gives the status.
int fail(int status, std::string_view text);

}  // namespace umaya::submission
