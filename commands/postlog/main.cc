// NAME    postlog - writes to the mail log
//
// SYNOPSIS
//     postlog [-iv] [-c config_directory] [-p priority] [-t tag] [text …]
//
// DESCRIPTION
//     Writes its arguments as one line to the mail log of the instance and to standard error; without arguments, every
//     line of standard input. For scripts.
//
//     -c dir       configuration directory
//     -i           accepted: the process id always stands in the log
//     -p priority  info (default), warn, error, fatal or panic: the word stands in front of the text
//     -t tag       name in the log, in place of syslog_name/postlog
//     -v           verbose
//
// EXIT STATUS
//     0 written; 1 unknown option or priority, or no configuration
//
// FILES
//     /etc/umaya/main.cf: maillog_file, syslog_facility, syslog_name
//
// SEE ALSO
//     umaya(1), main.cf(5)
#include <unistd.h>

#include <iostream>
#include <string>

#include "commands/postlog/priority.h"
#include "libcommon/config/config.h"
#include "libcommon/daemon/daemon.h"

using namespace umaya;

namespace {

/// The words with a blank between them.
std::string join(char** first, char** end) {
  std::string text;
  for (char** word = first; word != end; ++word) {
    if (word != first) text += ' ';
    text += *word;
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  const char* config_option = nullptr;
  std::string tag;
  log::Level level = log::Level::info;
  int verbose = 0, letter;
  log::open({.tag = "postlog", .file = "-"});
  while ((letter = getopt(argc, argv, "+c:ip:t:v")) != -1) {
    switch (letter) {
      case 'c':
        config_option = optarg;
        break;
      case 'i':
        break;
      case 'p': {
        auto priority = postlog::parse_priority(optarg);
        if (!priority) log::fatal("priority \"{}\": write info, warn, error, fatal or panic", optarg);
        level = *priority;
        break;
      }
      case 't':
        tag = optarg;
        break;
      case 'v':
        ++verbose;
        break;
      default:
        return 1;
    }
  }
  auto config = config::Config::load(daemon::config_directory_of(config_option));
  if (!config) log::fatal("{}", config.error().what);
  log::open({.tag = tag.empty() ? config->get("syslog_name") + "/postlog" : tag,
             .file = config->get("maillog_file"),
             .facility = config->get("syslog_facility"),
             .also_stderr = true,
             .verbose = verbose});
  if (optind < argc) {
    log::write(level, join(argv + optind, argv + argc));
  } else {
    for (std::string line; std::getline(std::cin, line);) log::write(level, line);
  }
  log::flush();
  return 0;
}
