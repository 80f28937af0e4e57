#include "libcommon/mailbox/content.h"

#include <catch2/catch.hpp>
#include <cstdio>

using namespace umaya;
using namespace umaya::mailbox;

namespace {

std::string convert(std::string_view in, const TextOptions& options, size_t piece) {
  TextConverter converter(options);
  std::string out;
  for (size_t at = 0; at < in.size(); at += piece) converter.feed(in.substr(at, piece), out);
  converter.finish(out);
  return out;
}

// Whole, byte by byte, and split at each place.
void check(std::string_view in, const TextOptions& options, std::string_view expected) {
  CAPTURE(in);
  REQUIRE(convert(in, options, in.size() + 1) == expected);
  REQUIRE(convert(in, options, 1) == expected);
  for (size_t at = 0; at <= in.size(); ++at) {
    TextConverter converter(options);
    std::string out;
    converter.feed(in.substr(0, at), out);
    converter.feed(in.substr(at), out);
    converter.finish(out);
    REQUIRE(out == expected);
  }
}

}  // namespace

TEST_CASE("content: CRLF and lone LF become the chosen end of line, a lone CR stays", "[mailbox][content]") {
  check("", {}, "");
  check("\r\n", {}, "\n");
  check("a\r\nb\nc\rd\r\r\ne", {}, "a\nb\nc\rd\r\ne\n");
  check("a\r", {}, "a\r\n");
  check("a\r\n\r\nb\r\n", {.eol = "\r\n"}, "a\r\n\r\nb\r\n");
  check("F\r\n", {}, "F\n");
}

TEST_CASE("content: L15 From_ lines of every level get one quote more and nothing else does", "[mailbox][content]") {
  TextOptions quote{.quote_from = true};
  check("From x\r\n", quote, ">From x\n");
  check(">From x\r\n>>>From x", quote, ">>From x\n>>>>From x\n");
  check("a\nFrom x\r\n", quote, "a\n>From x\n");
  check(" From x\r\nFrom\r\nFromx\r\n>Fro\r\n>>a\r\nFrom", quote, " From x\nFrom\nFromx\n>Fro\n>>a\nFrom\n");
  check("\rFrom x\r\n", quote, "\rFrom x\n");
  check("FFrom x\r\n>F>From \r\n", quote, "FFrom x\n>F>From \n");
}

TEST_CASE("content: a leading dot is doubled only when asked for", "[mailbox][content]") {
  check(".\r\n.a\r\nb.\r\n", {.quote_dot = true}, "..\n..a\nb.\n");
  check(".From \r\nFrom .\r\n", {.quote_from = true, .quote_dot = true}, "..From \n>From .\n");
  check(".\r\n", {}, ".\n");
}

TEST_CASE("content: a file that is shorter than stated is not delivered in part", "[mailbox][content]") {
  FILE* file = tmpfile();
  fputs("abc", file);
  fflush(file);
  ContentSource source{fileno(file), 0, 10};
  auto copied = copy_content(source, {}, "", [](std::string_view) { return Result<>(); });
  REQUIRE_FALSE(copied);
  REQUIRE_FALSE(copied.error().is_permanent());
  fclose(file);
}

TEST_CASE("content: text of many blocks comes out whole, after its start", "[mailbox][content]") {
  FILE* file = tmpfile();
  std::string in = "xx";
  std::string expected = "Head: 1\n";
  for (int i = 0; i < 60'000; ++i) {
    in += "line " + std::to_string(i) + "\r\n";
    expected += "line " + std::to_string(i) + "\n";
  }
  fwrite(in.data(), 1, in.size(), file);
  fflush(file);
  std::string out;
  auto copied = copy_content({fileno(file), 2, in.size() - 2}, {}, "Head: 1\n", [&](std::string_view block) {
    out += block;
    return Result<>();
  });
  REQUIRE(copied);
  REQUIRE(out == expected);
  fclose(file);
}
