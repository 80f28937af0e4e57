// LINK cleanup_core
// NAME    cleanup_content_fuzz - a message's content on its way through cleanup: filter, headers, checks, addresses
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cleanup/checks.h"
#include "cleanup/header_work.h"
#include "cleanup/scanner.h"
#include "cleanup/text_filter.h"
#include "libcommon/log/log.h"

using namespace umaya;
using namespace umaya::cleanup;

namespace {

struct Tables {
  Tables() {
    log::capture([](log::Level, std::string_view) {});
    config::HostFacts host;
    host.hostname = "mx.example.com";
    auto config = config::Config::from_text(
        "myhostname = mx.example.com\nmydestination = example.com\nlocal_recipient_maps =\n"
        "canonical_maps = inline:{{b@example.com = \"B C\"@example.com}}\nmasquerade_domains = example.com\n",
        "/nowhere", {}, host);
    if (!config) std::abort();
    auto opened = route::Router::open(*config);
    if (!opened) std::abort();
    router = std::move(*opened);
    Params params;
    params.header_checks = "regexp:{{/^x-replace: (.+)/ REPLACE X-New: $1} {/^x-drop/ IGNORE} {/^x-act: (.+)/ $1}}";
    params.body_checks = "regexp:{{/^replace (.+)/ REPLACE $1} {/^drop/ IGNORE}}";
    checks.open({}, params);
  }
  std::unique_ptr<route::Router> router;
  ContentChecks checks;
};

void check_line_ends(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) std::abort();
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) std::abort();
  }
}

/// A header is one header afterwards, too: each of its further lines begins with white space.
void check_header(std::string_view text) {
  check_line_ends(text);
  for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    if (at + 1 == text.size() || (text[at + 1] != ' ' && text[at + 1] != '\t')) std::abort();
  }
}

std::string filter(std::string_view in, size_t step) {
  TextFilter filter({});
  std::string out;
  for (size_t i = 0; i < in.size(); i += step) {
    std::string piece(in.substr(i, step));
    if (!filter.apply(piece)) std::abort();
    out += piece;
  }
  return out + filter.finish();
}

std::string work(Tables& tables, std::string_view in, Scanner::Depth depth, size_t step) {
  HeaderWork work{.checks = &tables.checks,
                  .router = tables.router.get(),
                  .max_tokens = 200,
                  .map_addresses = true,
                  .rewrite = route::Context::local,
                  .body_limit = 1000};
  Scanner scanner(depth, {.header_size = 1000, .nesting = 10, .boundary = 70, .parts = 50, .line = 200});
  std::string out;
  auto take = [&] {
    for (const Event& event : scanner.take()) {
      EventResult result = work(event);
      if (result.error) std::abort();
      if (event.kind == EventKind::header && !result.drop) check_header(result.text);
      if (event.kind != EventKind::body_block) out += static_cast<char>('0' + static_cast<int>(event.kind));
      out += result.drop ? "-" : result.text;
    }
  };
  for (size_t i = 0; i < in.size(); i += step) {
    scanner.feed(std::string(in.substr(i, step)));
    take();
  }
  scanner.finish();
  take();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Tables tables;
  std::string_view in(reinterpret_cast<const char*>(data), size);
  std::string clean = filter(in, size + 1);
  check_line_ends(clean);
  if (filter(in, 1) != clean) std::abort();
  for (auto depth : {Scanner::Depth::headers_only, Scanner::Depth::structure}) {
    if (work(tables, clean, depth, clean.size() + 1) != work(tables, clean, depth, 7)) std::abort();
  }
  std::string_view line = in.substr(0, in.find('\n'));
  for (auto part : {CheckedPart::header, CheckedPart::body}) (void)parse_action(line, "checks", part);
  (void)split_dsn_text(line, "5.7.1");
  (void)unescape(line);
  if (!line.empty() && line.find('\r') == line.npos) {
    for (auto format : {FromFormat::standard, FromFormat::obsolete}) {
      check_header(from_header("", "a@b", line, format, "utf-8"));
    }
  }
  return 0;
}
