// NAME    format - how postconf prints a setting
#pragma once

#include <string>
#include <string_view>

namespace umaya::postconf {

/// Which parts of "name = value" are printed.
enum class Parts : unsigned char { both, names, values };
enum class Layout : unsigned char { one_line, folded, json };

struct Form {
  Parts parts = Parts::both;
  Layout layout = Layout::one_line;
};

/// One setting with its final newline. White space in the value becomes single blanks; folded lines have at most 80
/// columns where words allow it, and continue after four blanks.
std::string print_setting(std::string_view name, std::string_view value, const Form& form);

/// The text as a JSON string with its quotes.
std::string json_string(std::string_view text);

}  // namespace umaya::postconf
