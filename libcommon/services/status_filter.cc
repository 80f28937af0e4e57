#include "libcommon/services/status_filter.h"

#include "libcommon/base/strings.h"
#include "libcommon/config/config.h"
#include "libcommon/log/log.h"

namespace umaya::services::delivery {

namespace {

/// The length of "X.Y.Z" (RFC 3463) at the beginning; 0: there is none.
size_t code_length(std::string_view text) {
  size_t at = 0;
  for (int part = 0; part < 3; ++part) {
    const size_t begin = at;
    while (at < text.size() && ascii_digit(text[at]) && at - begin < 3) ++at;
    if (at == begin || (part == 0 && at != 1)) return 0;
    if (part < 2 && (at == text.size() || text[at++] != '.')) return 0;
  }
  return at == text.size() || ascii_space(text[at]) ? at : 0;
}

}  // namespace

StatusFilter StatusFilter::open(const config::Config& config, std::string_view parameter) {
  return StatusFilter(table::Maps::open(table::options_from(config), std::string(parameter), config.get(parameter)));
}

void StatusFilter::apply(RecipientResult& result) {
  if (maps_.empty()) return;
  maps_.refresh();
  const std::string question = result.dsn + " " + result.text;
  table::Lookup found = maps_.find(question);
  if (found.is_error()) return log::warning("{}: {}: result left as it was", maps_.title(), found.error().what);
  if (!found.found()) return;
  const std::string value(trim(found.value()));
  const size_t code = code_length(value);
  const std::string_view text = trim(std::string_view(value).substr(code));
  if (code == 0 || text.empty() || value[0] != question[0]) {
    return log::warning("{}: \"{}\" gives \"{}\": write a code of the same class and a text, such as \"{}\"",
                        maps_.title(), printable(question, true), printable(value, true),
                        std::string(1, question[0]) + ".0.0 reason");
  }
  if (!result.diagnostic.empty() && result.diagnostic == result.text) result.diagnostic = text;
  result.dsn = value.substr(0, code);
  result.text = text;
}

}  // namespace umaya::services::delivery
