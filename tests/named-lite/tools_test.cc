#include <catch2/catch.hpp>

#include "named-lite/tools/flags.h"
#include "named-lite/tools/zone_output.h"
#include "named-lite/zone/zone_text.h"

using namespace umaya::named;

namespace {

std::string read_flags(std::vector<std::string> words, std::string_view known) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  Flags flags(arguments, known);
  std::string seen;
  while (auto flag = flags.next()) {
    seen += flag->letter;
    if (!flag->value.empty()) seen += "=" + std::string(flag->value);
    seen += ' ';
  }
  if (!flags.wrong().empty()) return seen + "! " + flags.wrong();
  for (const std::string& word : flags.words()) seen += word + ' ';
  return seen;
}

ZoneImage compiled(std::string_view text) {
  Problems problems;
  ZoneTextOptions options;
  options.apex = *Name::from_text("ex.test.");
  RecordList records = parse_zone_text(text, "f", options, problems);
  for (const Problem& problem : problems.all()) FAIL(problem.text());
  return compile_zone(records, 7);
}

constexpr std::string_view kZone =
    "$TTL 60\n@ SOA ns root 1 3600 900 604800 60\n@ NS ns\n@ MX 10 mail\n@ TXT \"a \\\"b\\\" \\007\" c\nns A "
    "192.0.2.1\n"
    "z.mail 30 AAAA 2001:db8::1\nmail A 192.0.2.2\n*.wild CNAME mail\na\\.b A 192.0.2.3\n\\000x A 192.0.2.4\n"
    "other SRV 0 1 25 mail.other.test.\n@ CAA 0 issue \"ca.test\"\nx TYPE65280 \\# 3 aabbcc\n";

}  // namespace

TEST_CASE("flags: alone, together, with values in the same word or the next", "[named][tools]") {
  CHECK(read_flags({"-q", "-Dj", "-ofile", "-i", "none", "zone", "-x"}, "qDjo:i:") == "q D j o=file i=none zone -x ");
  CHECK(read_flags({"-qofile", "z"}, "qo:") == "q o=file z ");
  CHECK(read_flags({"-q", "--", "-o"}, "qo:") == "q -o ");
  CHECK(read_flags({"-o", "-"}, "o:") == "o=- ");
  CHECK(read_flags({"-"}, "q") == "- ");
  CHECK(read_flags({}, "q").empty());
}

TEST_CASE("flags: what is not known or lacks its value is said", "[named][tools]") {
  CHECK(read_flags({"-q", "-y"}, "q") == "q ! -y is not known");
  CHECK(read_flags({"-q:"}, "qo:") == "q ! -: is not known");
  CHECK(read_flags({"-o"}, "o:") == "! -o needs a value");
}

TEST_CASE("zone output: each record whole, in order, or relative to the zone", "[named][tools]") {
  std::string full = zone_output(compiled(kZone), ZoneStyle::full);
  CHECK(full.starts_with("ex.test.                                      60 IN SOA\tns.ex.test. root.ex.test. 1 3600"));
  CHECK(full.find("\nz.mail.ex.test. ") > full.find("\nmail.ex.test. "));
  CHECK(full.find("\n\\000x.ex.test. ") < full.find("\na\\.b.ex.test. "));
  CHECK(full.find("SRV\t0 1 25 mail.other.test.\n") != std::string::npos);
  std::string relative = zone_output(compiled(kZone), ZoneStyle::relative);
  CHECK(relative.starts_with("$ORIGIN ex.test.\n@    "));
  CHECK(relative.find("\nz.mail   ") != std::string::npos);
  CHECK(relative.find("MX\t10 mail\n") != std::string::npos);
}

TEST_CASE("zone output: what is written reads as the same zone", "[named][tools]") {
  for (ZoneStyle style : {ZoneStyle::full, ZoneStyle::relative}) {
    std::string once = zone_output(compiled(kZone), style);
    CHECK(zone_output(compiled(once), style) == once);
    CHECK(zone_output(compiled(once), ZoneStyle::full) == zone_output(compiled(kZone), ZoneStyle::full));
  }
}
