#include "commands/postconf/pattern.h"

namespace umaya::postconf {

Pattern Pattern::parse(std::string_view text) {
  Pattern pattern;
  pattern.text = std::string(text);
  size_t first = text.find('/');
  pattern.service = std::string(text.substr(0, first));
  if (first == std::string_view::npos) return pattern;
  text.remove_prefix(first + 1);
  size_t second = text.find('/');
  pattern.type = std::string(text.substr(0, second));
  if (second != std::string_view::npos) pattern.item = std::string(text.substr(second + 1));
  return pattern;
}

bool Pattern::matches(const config::MasterEntry& entry) const {
  return (service == "*" || service == entry.fields[0]) && (type == "*" || type == entry.fields[1]);
}

}  // namespace umaya::postconf
