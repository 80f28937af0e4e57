#include "libcommon/services/status_filter.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::services::delivery;

namespace {

RecipientResult filtered(const std::string& table, std::string dsn, std::string text) {
  table::Options options;
  StatusFilter filter(table::Maps::open(options, "default_delivery_status_filter", table));
  RecipientResult result;
  result.dsn = std::move(dsn);
  result.text = result.diagnostic = std::move(text);
  filter.apply(result);
  return result;
}

}  // namespace

TEST_CASE("status filter: code and text are replaced where the table knows them", "[services]") {
  const std::string table = "inline:{{5.1.1 unknown user = 5.1.0 we do not say}}";
  RecipientResult changed = filtered(table, "5.1.1", "unknown user");
  CHECK(changed.dsn == "5.1.0");
  CHECK(changed.text == "we do not say");
  CHECK(changed.diagnostic == "we do not say");
  RecipientResult other = filtered(table, "5.1.1", "another text");
  CHECK(other.dsn == "5.1.1");
  CHECK(other.text == "another text");
}

TEST_CASE("status filter: the class of a code stays", "[services]") {
  for (const char* value : {"2.0.0 fine", "4.1.1 later", "5.1 short", "no code", "5.1.1", "5.1.1x y", "5.1111.1 y"}) {
    RecipientResult kept =
        filtered("inline:{{5.1.1 unknown user = " + std::string(value) + "}}", "5.1.1", "unknown user");
    CAPTURE(value);
    CHECK(kept.dsn == "5.1.1");
    CHECK(kept.text == "unknown user");
  }
}

TEST_CASE("status filter: a table that fails leaves the result", "[services]") {
  RecipientResult kept = filtered("fail:broken", "4.4.1", "refused");
  CHECK(kept.dsn == "4.4.1");
  CHECK(kept.text == "refused");
}
