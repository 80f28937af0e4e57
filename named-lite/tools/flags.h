// NAME    flags - command-line flags of the checkers, as BIND's have them
//
// SYNOPSIS
//     Flags flags(arguments, "f:s:qD");
//     while (auto flag = flags.next()) switch (flag->letter) …
//     if (!flags.wrong().empty()) …
//
// DESCRIPTION
//     A letter with a colon takes a value, in the same word or the next one. Flags without a value may stand together.
//     Behind the first word that is no flag, and behind --, everything is a word.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::named {

struct Flag {
  char letter = 0;
  std::string_view value{};
};

class Flags {
 public:
  /// Both outlive this object.
  Flags(std::span<char* const> arguments, std::string_view known) : arguments_(arguments), known_(known) {}
  /// Nothing at the end, and when something is wrong.
  std::optional<Flag> next();
  /// What is wrong; empty when nothing is.
  const std::string& wrong() const { return wrong_; }
  /// Behind the flags.
  std::vector<std::string> words() const;

 private:
  std::span<char* const> arguments_;
  std::string_view known_;
  size_t at_ = 0;
  size_t letter_ = 0;  // in the word; 0: at its beginning
  std::string wrong_;
};

}  // namespace umaya::named
