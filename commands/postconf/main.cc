// NAME    postconf - show and edit the configuration
//
// SYNOPSIS
//     postconf [-dfhHjnqx] [-c config_dir] [-C class,...] [-o name=value] [name ...]
//     postconf [-c config_dir] [-e] name=value ...
//     postconf [-c config_dir] -X|-# name ...
//     postconf -M|-F|-P [-efjqxX#] [-c config_dir] [service[/type[/item]][=value] ...]
//     postconf -a|-A|-l|-m
//     postconf -b|-t [file]
//
// DESCRIPTION
//     Without options, postconf prints parameters of main.cf as "name = value": those named, or all of them. With
//     "name=value" arguments it edits main.cf: comments and order stay, the file is replaced as a whole.
//
//     -b             Print the notices of bounce(5) with their parameters filled in.
//     -c config_dir  The instance; default: $MAIL_CONFIG, else /etc/umaya.
//     -C class,...   List only parameters of these classes: builtin, service (of the transports in master.cf), user
//                    (named by the administrator), all.
//     -d             Print defaults; main.cf is not read.
//     -e             Edit main.cf (or, with -M, -F or -P, master.cf).
//     -f             Fold long lines.
//     -F             Fields of master.cf: service/type/field = value.
//     -h             Print values without names.
//     -H             Print names without values.
//     -j             One JSON object a line.
//     -l             List the mailbox locking methods.
//     -m             List the table types.
//     -M             Lines of master.cf. "service/type=line" replaces or adds one.
//     -n             Print what main.cf sets, only.
//     -o name=value  Read main.cf with this setting in its place.
//     -P             The -o settings of master.cf: service/type/name = value.
//     -q             No warnings.
//     -t             Print the templates of bounce(5): of the file given, of bounce_template_file, or the built-in
//     ones. -x             Expand $name in values. -X             Remove parameters, services (-MX) or their -o
//     settings (-PX).
//     -#             Comment out parameters or services (-M#).
//
//     Services are chosen by service/type, where * or a missing part means any.
//
// FILES
//     /etc/umaya/main.cf, /etc/umaya/master.cf
//
// ERRORS
//     Status 1 and one line on standard error. Names that nobody knows, settings that nothing reads and $names that
//     are defined nowhere are warnings.
//
// SEE ALSO
//     main.cf(5), master.cf(5), bounce(5), umaya(1)
#include <cstdio>
#include <cstdlib>

#include "commands/postconf/show.h"
#include "libcommon/log/log.h"

int main(int argc, char** argv) {
  using namespace umaya;
  log::Options log_options;
  log_options.tag = "postfix/postconf";
  log_options.also_stderr = true;
  log::open(std::move(log_options));
  const char* from_environment = std::getenv("MAIL_CONFIG");
  auto request =
      postconf::parse_command_line({argv + 1, argv + argc}, from_environment ? from_environment : "/etc/umaya");
  if (!request) log::fatal("{}", request.error().what);
  auto answer = request->action == postconf::Action::edit ? postconf::edit(*request) : postconf::show(*request);
  if (!answer) log::fatal("{}", answer.error().what);
  for (const std::string& warning : answer->warnings) log::warning("{}", warning);
  bool written = std::fwrite(answer->text.data(), 1, answer->text.size(), stdout) == answer->text.size();
  if (!written || std::fflush(stdout) != 0) log::fatal("write error on standard output");
  return 0;
}
