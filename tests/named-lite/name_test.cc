#include "named-lite/dns/name.h"

#include <array>
#include <catch2/catch.hpp>

#include "named-lite/dns/spelling.h"
#include "named-lite/dns/types.h"

using namespace umaya::named;

TEST_CASE("dns name: text and wire form agree", "[named][name]") {
  Name origin = *Name::from_text("example.org.");
  Name name;
  REQUIRE(name.assign_text("Mail", origin) == NameError::none);
  CHECK(name.text() == "Mail.example.org.");
  CHECK(name.wire() == std::string_view("\4Mail\7example\3org\0", 18));
  CHECK(name.lower().text() == "mail.example.org.");
  REQUIRE(name.assign_text("@", origin) == NameError::none);
  CHECK(name.text() == "example.org.");
  REQUIRE(name.assign_text(".", origin) == NameError::none);
  CHECK(name.is_root());
  CHECK(Name::from_text("a.b")->text() == "a.b.");
}

TEST_CASE("dns name: D10 escapes go through text and back", "[named][name]") {
  std::string all;
  for (int c = 0; c < 256; c += 9) {
    char escape[16];
    snprintf(escape, sizeof escape, "\\%03d", c);
    std::string text = std::string("x") + escape + "y.z.";
    Name name = *Name::from_text(text);
    Name again = *Name::from_text(name.text());
    CHECK(name.wire() == again.wire());
  }
  CHECK(Name::from_text("a\\.b.c.")->wire() == std::string_view("\3a.b\1c\0", 7));
}

TEST_CASE("dns name: D3 limits of labels and names hold", "[named][name]") {
  std::string label(63, 'a');
  CHECK(Name::from_text(label + ".x."));
  CHECK_FALSE(Name::from_text(label + "a.x."));
  std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b') + ".";
  REQUIRE(Name::from_text(longest));
  CHECK(Name::from_text(longest)->size() == 255);
  CHECK_FALSE(Name::from_text(label + "." + label + "." + label + "." + std::string(62, 'b') + "."));
  Name out;
  CHECK(out.assign_text(label, *Name::from_text(longest)) == NameError::name_too_long);
  for (std::string bad : {"", ".a", "a..b", "a\\", "a\\25", "a\\256."}) CHECK_FALSE(Name::from_text(bad));
}

TEST_CASE("dns name: suffixes are at or below their ancestors only", "[named][name]") {
  auto wire = [](const char* text) { return std::string(Name::from_text(text)->wire()); };
  CHECK(is_at_or_below(wire("a.Example.org."), wire("example.ORG.")));
  CHECK(is_at_or_below(wire("example.org."), wire("example.org.")));
  CHECK(is_at_or_below(wire("x."), wire(".")));
  CHECK_FALSE(is_at_or_below(wire("badexample.org."), wire("example.org.")));
  CHECK_FALSE(is_at_or_below(wire("org."), wire("example.org.")));
  std::string name = wire("a.b.c.");
  SuffixHashes hashes(name, 1);
  std::string parent = wire("b.c.");
  SuffixHashes of_parent(parent, 1);
  CHECK(hashes.labels() == 3);
  CHECK(hashes.hash(2) == of_parent.hash(2));
  CHECK(hashes.suffix(2) == parent);
  CHECK(hashes.hash(3) != hashes.hash(2));
}

TEST_CASE("dns types: names and numbers map both ways", "[named][types]") {
  CHECK(type_from_text("mx") == type::kMx);
  CHECK(type_from_text("TYPE65280") == 65280);
  CHECK(type_from_text("NSEC3PARAM") == 51);
  CHECK(type_from_text("OPENPGPKEY") == 61);
  CHECK_FALSE(type_from_text("TYPE65536"));
  CHECK_FALSE(type_from_text("MXX"));
  CHECK_FALSE(type_from_text("NSEC3PARAMX"));
  for (unsigned n = 0; n < 65536; ++n) {
    const TypeInfo* info = type_info(static_cast<uint16_t>(n));
    if (info != nullptr) CHECK(type_from_text(info->name) == n);
  }
  CHECK(nearest_type("CNMAE") == "CNAME");
  CHECK(nearest_type("completely").empty());
  CHECK(class_from_text("in") == rr_class::kIn);
  CHECK(edit_distance("files", "file") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  const std::array<std::string_view, 5> words = {"file", "forward", "forwarders", "masters", "zone"};
  auto nearest = [&](std::string_view text) {
    return nearest_word(text, words.size(), [&](size_t i) { return words[i]; });
  };
  CHECK(nearest("flie") == "file");
  CHECK(nearest("fyle") == "file");
  CHECK(nearest("forvarders") == "forwarders");
  CHECK(nearest("forwrads") == "forward");
  CHECK(nearest("mastres") == "masters");
  CHECK(nearest("mxstxrs") == "masters");
  CHECK(nearest("mxstxrx").empty());
  CHECK(nearest("on").empty());
}
