#include "local-delivery/command.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"

namespace umaya::local_delivery {

using services::become::End;
using services::become::Ended;
using services::delivery::Status;

namespace {

constexpr std::string_view kPlain = "1234567890!@%-_=+:,./ \t\nabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

struct ExitMeaning {
  int code;
  std::string_view dsn;
  std::string_view text;
};

// sysexits.h
constexpr ExitMeaning kMeanings[] = {
    {64, "5.3.0", "command line usage error"},  {65, "5.6.0", "data format error"},
    {66, "5.3.0", "cannot open input"},         {67, "5.1.1", "user unknown"},
    {68, "5.1.2", "host name unknown"},         {69, "5.3.0", "service unavailable"},
    {70, "5.3.0", "internal software error"},   {71, "4.3.0", "system resource problem"},
    {72, "5.3.0", "critical OS file missing"},  {73, "5.2.0", "can't create user output file"},
    {74, "5.3.0", "input/output error"},        {75, "4.3.0", "temporary failure"},
    {76, "5.5.0", "remote error in protocol"},  {77, "5.7.0", "permission denied"},
    {78, "5.3.5", "local configuration error"},
};

const ExitMeaning* meaning_of(int code) {
  for (const ExitMeaning& meaning : kMeanings) {
    if (meaning.code == code) return &meaning;
  }
  return nullptr;
}

std::string with_output(std::string text, std::string_view output) {
  std::string line = one_line(output);
  return line.empty() ? text : text + ". Command output: " + line;
}

CommandVerdict verdict(std::string_view dsn, std::string text) {
  return {dsn[0] == '5' ? Status::bounced : Status::deferred, std::string(dsn), std::move(text)};
}

CommandVerdict exit_verdict(int code, std::string_view output, std::string_view command) {
  if (code == 0) return {Status::sent, "2.0.0", ""};
  const ExitMeaning* meaning = meaning_of(code);
  if (!meaning) {
    return verdict("5.3.0", with_output(fmt::format("Command died with status {}: \"{}\"", code, command), output));
  }
  output = trim(output);
  size_t length = dsn_length(output);
  if (length > 0 && output[0] != '2') {
    std::string text = one_line(output.substr(length));
    return verdict(output.substr(0, length), text.empty() ? std::string(meaning->text) : text);
  }
  return verdict(meaning->dsn, with_output(std::string(meaning->text), output));
}

}  // namespace

CommandLine command_line(std::string_view command, std::string_view shell) {
  CommandLine line;
  if (!shell.empty()) {
    for (std::string_view word : split(shell, " \t")) line.argv.emplace_back(word);
    line.argv.emplace_back(command);
    return line;
  }
  std::vector<std::string_view> words = split(command, " \t\n");
  if (command.find_first_not_of(kPlain) == command.npos && !words.empty()) {
    line.argv.assign(words.begin(), words.end());
    line.shell_command = command;
  } else {
    line.argv = {"/bin/sh", "-c", std::string(command)};
  }
  return line;
}

CommandVerdict command_verdict(const Ended& ended, std::string_view command) {
  std::string name = printable(command.substr(0, 200), true);
  switch (ended.end) {
    case End::exited:
      return exit_verdict(ended.value, ended.output, name);
    case End::killed:
      return verdict("4.3.0",
                     with_output(fmt::format("Command died with signal {}: \"{}\"", ended.value, name), ended.output));
    case End::timed_out:
      return verdict("4.3.0", with_output(fmt::format("Command time limit exceeded: \"{}\"", name), ended.output));
    case End::not_started:
      break;
  }
  return verdict("4.3.0", fmt::format("Command could not be run: \"{}\": {}", name, one_line(ended.output)));
}

std::string one_line(std::string_view output) {
  output = trim(output);
  std::string text;
  for (char c : output.substr(0, 1000)) text += c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
  return printable(text, true);
}

size_t dsn_length(std::string_view text) {
  if (text.empty() || (text[0] != '2' && text[0] != '4' && text[0] != '5')) return 0;
  size_t at = 1;
  for (int part = 0; part < 2; ++part) {
    if (at >= text.size() || text[at] != '.') return 0;
    size_t digits = ++at;
    while (at < text.size() && ascii_digit(text[at])) ++at;
    if (at == digits || at - digits > 3) return 0;
  }
  return at == text.size() || ascii_space(text[at]) ? at : 0;
}

}  // namespace umaya::local_delivery
