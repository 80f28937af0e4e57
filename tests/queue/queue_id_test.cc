#include "libcommon/queue/queue_id.h"

#include <catch2/catch.hpp>
#include <set>

using namespace umaya;
using namespace umaya::queue;

TEST_CASE("queue id: the short form is eleven upper case hexadecimal digits", "[queue][id]") {
  CHECK(make_id(IdForm::short_form, 1'700'000'000'000'255, 0xabcdef) == "000FFABCDEF");
  CHECK(make_id(IdForm::short_form, 1'700'000'000'999'999, 0x1) == "F423F000001");
  CHECK(form_of("000FFABCDEF") == IdForm::short_form);
  CHECK_FALSE(creation_time("000FFABCDEF"));
}

TEST_CASE("queue id: the long form tells its time", "[queue][id]") {
  for (int64_t usec : {1'700'000'000'123'456LL, 1'800'000'000'000'000LL, 4'200'000'000'999'999LL}) {
    std::string id = make_id(IdForm::long_form, usec, 0x123456789abcdefULL);
    CHECK(valid_id(id));
    CHECK(form_of(id) == IdForm::long_form);
    REQUIRE(creation_time(id));
    CHECK(*creation_time(id) == usec);
    CHECK(id.find_first_of("AEIOUaeiou") == id.npos);
  }
}

TEST_CASE("queue id: ids made in the same microsecond differ", "[queue][id]") {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) seen.insert(make_id(IdForm::short_form));
  CHECK(seen.size() == 200);
}

TEST_CASE("queue id: Q10 only letters and digits within the limits make a file name", "[queue][id]") {
  for (const char* bad : {"", "ABCDE", "../../etc/passwd", "ABC/DEF", ".ABCDEF", "ABCDEF ", "ABCDEF\n",
                          "ABC\xc3\xa4"
                          "EF"}) {
    CHECK_FALSE(valid_id(bad));
  }
  CHECK_FALSE(valid_id(std::string(65, 'A')));
  CHECK_FALSE(valid_id(std::string_view("ABCDEF\0", 7)));
  CHECK(valid_id("ABCDEF"));
  CHECK(valid_id("4QxHXp0LJ4z3vB7Q"));
}

TEST_CASE("queue id: hash directories come from the text of a short id and the microseconds of a long one",
          "[queue][id]") {
  CHECK(hash_characters("A1B2C3", 1) == "A");
  CHECK(hash_characters("A1B2C3", 8) == "A1B2C3__");
  std::string id = make_id(IdForm::long_form, 1'700'000'000'000'255, 7);
  CHECK(hash_characters(id, 3) == "000");
  CHECK(hash_characters(id, 5) == "000FF");
  CHECK(hash_characters(id, 0) == "");
}
