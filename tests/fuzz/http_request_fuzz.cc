// LINK named-lite_core
// NAME    http_request_fuzz - any octets are a request or are refused, and no request has a body
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/base/strings.h"
#include "named-lite/statistics/http_request.h"
#include "named-lite/statistics/http_server.h"

using namespace umaya::named;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  HttpRequestReader reader;
  std::string_view seen = text;
  while (!text.empty() && reader.state() == HttpRequestReader::State::more) {
    size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    reader.take(text.substr(0, end));
    text.remove_prefix(end);
  }
  if (reader.state() == HttpRequestReader::State::bad) {
    if (reader.status() < 400 || http_reason(reader.status()) == "Error") abort();
    return 0;
  }
  if (reader.state() != HttpRequestReader::State::done) return 0;
  const HttpRequest& request = reader.request();
  if (!request.path.starts_with('/')) abort();
  seen.remove_suffix(text.size());
  for (std::string_view line : umaya::split(seen, "\n")) {
    if (umaya::istarts_with(line, "transfer-encoding:")) abort();
  }
  auto source = [] { return StatisticsReport(); };
  HttpAnswer answer = statistics_page(request.path, source);
  if (answer.body.empty()) abort();
  return 0;
}
