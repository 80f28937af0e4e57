#include "cleanup/text_filter.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::cleanup;

namespace {

std::string filtered(const std::string& text, size_t block, TextFilter::Options options = {}) {
  TextFilter filter(options);
  std::string out;
  for (size_t at = 0; at < text.size(); at += block) {
    std::string piece = text.substr(at, block);
    auto ok = filter.apply(piece);
    if (!ok) return "refused";
    out += piece;
  }
  return out + filter.finish();
}

}  // namespace

TEST_CASE("S4 text filter: stray CR and LF become blanks however the content is cut", "[cleanup][text]") {
  struct Row {
    std::string in, out;
  };
  for (const Row& row :
       {Row{"a\r\nb\r\n", "a\r\nb\r\n"}, Row{"a\nb\r\n", "a b\r\n"}, Row{"a\rb\r\n", "a b\r\n"},
        Row{"a\r\r\nb\r\n", "a \r\nb\r\n"}, Row{"\n.\n\r\n", " . \r\n"}, Row{"\r.\r\r\n", " . \r\n"}, Row{"a", "a\r\n"},
        Row{"a\r", "a \r\n"}, Row{"a\n", "a \r\n"}, Row{"", ""}, Row{"\r\n\n\r\r\n", "\r\n  \r\n"}}) {
    for (size_t block = 1; block <= row.in.size() + 1; ++block) {
      CAPTURE(row.in, block);
      CHECK(filtered(row.in, block) == row.out);
    }
  }
}

TEST_CASE("text filter: characters are removed or refused on request", "[cleanup][text]") {
  TextFilter::Options strip;
  strip.strip = std::string("\0x", 2);
  CHECK(filtered(std::string("a\0bxc\r\n", 7), 3, strip) == "abc\r\n");
  TextFilter::Options reject;
  reject.reject = std::string(1, '\0');
  CHECK(filtered(std::string("a\0", 2), 2, reject) == "refused");
}

TEST_CASE("text filter: C escapes of parameters", "[cleanup][text]") {
  CHECK(*unescape("\\000a\\r\\\\\\101") == std::string("\0a\r\\A", 5));
  CHECK_FALSE(unescape("\\"));
  CHECK_FALSE(unescape("\\q"));
  CHECK(unescape("a\\777").error().what == "unknown escape \\777");
}
