#include "pop3d/header_surrogate.h"

#include <catch2/catch.hpp>
#include <string>

#include "libcommon/base/strings.h"

using namespace umaya;
using namespace umaya::pop3d;

TEST_CASE("pop3 header surrogate: the header section ends at the first empty line", "[pop3d][utf8]") {
  CHECK(header_size("A: b\n\nbody") == 6);
  CHECK(header_size("A: b\r\n\r\nbody") == 8);
  CHECK(header_size("\nbody") == 1);
  CHECK(header_size("A: b\n") == 0);
  CHECK(header_size("") == 0);
}

TEST_CASE("pop3 header surrogate: only UTF-8 beyond ASCII asks for one", "[pop3d][utf8]") {
  CHECK_FALSE(needs_surrogate("Subject: x\n\n"));
  CHECK(needs_surrogate("Subject: \u00fc\n\n"));
  CHECK_FALSE(needs_surrogate("Subject: \xfc\n\n"));  // Latin-1: as it always was
}

TEST_CASE("pop3 header surrogate: text becomes encoded words", "[pop3d][utf8]") {
  CHECK(header_surrogate("Subject: hello gr\u00fc\u00dfe all\nX: y\n\n") ==
        "Subject: hello =?utf-8?B?Z3LDvMOfZQ==?= all\nX: y\n\n");
  // Blanks between two encoded words are not shown, so they stand inside.
  CHECK(header_surrogate("Subject: \u00fc\n \u00fc\n\n") == "Subject: =?utf-8?B?w7wgw7w=?=\n\n");
  std::string longest = header_surrogate("Subject: " + std::string(80, 'x') + "\u00fc" + std::string(80, 'y') + "\n\n");
  CHECK(is_ascii(longest));
  for (std::string_view line : split(longest, "\n")) CHECK(line.size() <= 90);
}

TEST_CASE("pop3 header surrogate: addresses keep their names or are invalid", "[pop3d][utf8]") {
  CHECK(header_surrogate("From: J\u00fcrg M <j@example.org>, b@x\n\n") ==
        "From: =?utf-8?B?SsO8cmcgTQ==?= <j@example.org>, b@x\n\n");
  CHECK(header_surrogate("To: \"J\u00fcrg, M\"<j@example.org>\n\n") ==
        "To: =?utf-8?B?SsO8cmcsIE0=?= <j@example.org>\n\n");
  CHECK(header_surrogate("To: a <j\u00fcrg@example.org>\n\n") ==
        "To: a <invalid@internationalized-address.invalid>\n\n");
  CHECK(header_surrogate("Cc: x@y, j\u00fcrg@example.org\n\n") ==
        "Cc: x@y, invalid@internationalized-address.invalid\n\n");
  CHECK(header_surrogate("Cc: x@y (\u00fc)\n\n") == "Cc: x@y (=?utf-8?B?w7w=?=)\n\n");
}

TEST_CASE("pop3 header surrogate: MIME parameters get their RFC 2231 form", "[pop3d][utf8]") {
  CHECK(header_surrogate("Content-Disposition: attachment; filename=\"b\u00fc.txt\"; size=1\n\n") ==
        "Content-Disposition: attachment; filename*=utf-8''b%C3%BC.txt; size=1\n\n");
  CHECK(header_surrogate("Content-Type: text/plain; charset=utf-8\nSubject: \u00fc\n\n") ==
        "Content-Type: text/plain; charset=utf-8\nSubject: =?utf-8?B?w7w=?=\n\n");
}

TEST_CASE("pop3 header surrogate: whatever comes, ASCII goes", "[pop3d][utf8]") {
  for (const char* field :
       {"\u00fc: x\n", "From: \"\u00fc\n", "From: <\u00fc\n", "From: (\u00fc\n", "To: \u00fc\\\n",
        "Content-Type: \u00fc\n", "Content-Type: a/b; \u00fc=1\n", "Content-Type: a/b; x=\"\u00fc\n",
        "Content-Type: a/b; x=\"\n", "\u00fc\n", ": \u00fc", "From: \"\\\u00fc\"@x\n"}) {
    INFO(field);
    CHECK(is_ascii(header_surrogate(field)));
  }
}
