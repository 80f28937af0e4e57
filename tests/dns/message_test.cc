#include "libcommon/dns/message.h"

#include <catch2/catch.hpp>

#include "tests/dns/answer_builder.h"

using namespace umaya;
using namespace umaya::dns;
using namespace std::string_literals;

namespace {

Query query_for(std::string name, Type type) {
  return {.id = 0x1234, .name = std::move(name), .type = type};
}

Answer answer_to(const Query& query, const std::string& wire) {
  auto message = parse_message(wire);
  REQUIRE(message);
  REQUIRE(message->answers_query(query));
  return interpret(*message, query);
}

}  // namespace

TEST_CASE("dns message: a query is what RFC 1035 and 6891 ask for", "[dns]") {
  auto wire = build_query(query_for("a.example", Type::mx));
  REQUIRE(wire);
  CHECK(*wire == "\x12\x34\x01\0\0\1\0\0\0\0\0\1\1a\7example\0\0\x0f\0\1\0\0\x29\x04\xd0\0\0\0\0\0\0"s);
  CHECK_FALSE(build_query(query_for("a..b", Type::mx)));
}

TEST_CASE("dns message: MX records are read with compression", "[dns]") {
  Query q = query_for("example.org", Type::mx);
  AnswerBuilder b(q);
  b.answer("example.org", Type::mx, "\0\x0a\2mx\xc0\x0c"s).answer("example.org", Type::mx, "\0\x14\3mx2\xc0\x0c"s);
  Answer a = answer_to(q, b.wire());
  CHECK(a.status == Status::found);
  REQUIRE(a.records.size() == 2);
  CHECK(a.records[0].preference == 10);
  CHECK(a.records[0].target == "mx.example.org");
  CHECK(a.records[1].target == "mx2.example.org");
  CHECK(a.ttl == 300);
}

TEST_CASE("dns message: Q20 rdata that do not fit the type are left out, never read beyond", "[dns]") {
  Query q = query_for("example.org", Type::mx);
  for (const std::string& rdata : {""s, "\0"s, "\0\x0a"s, "\0\x0a\2m"s, "\0\x0a\2mx\0x"s, "\0\x0a\xc0"s}) {
    AnswerBuilder b(q);
    b.answer("example.org", Type::mx, rdata);
    CHECK(answer_to(q, b.wire()).status == Status::malformed);
    b.answer("example.org", Type::mx, "\0\x0a\2mx\xc0\x0c"s);
    Answer a = answer_to(q, b.wire());
    CHECK(a.status == Status::found);
    CHECK(a.records.size() == 1);
  }
  for (Type type : {Type::a, Type::aaaa, Type::cname, Type::ptr, Type::tlsa, Type::txt, Type::soa}) {
    Query other = query_for("example.org", type);
    AnswerBuilder b(other);
    b.answer("example.org", type, "\5"s);
    CHECK(answer_to(other, b.wire()).status == Status::malformed);
  }
}

TEST_CASE("dns message: Q20 a set of 5000 MX records is cut at the limit", "[dns]") {
  Query q = query_for("example.org", Type::mx);
  AnswerBuilder b(q);
  for (int i = 0; i < 3500; ++i) b.answer("example.org", Type::mx, "\0\x0a\1m\xc0\x0c"s);
  auto message = parse_message(b.wire());
  REQUIRE(message);
  CHECK(message->dropped > 3000);
  CHECK(interpret(*message, q).records.size() == kMaxRecords);
}

TEST_CASE("dns message: not found, no data and not knowing are told apart", "[dns]") {
  Query q = query_for("example.org", Type::mx);
  struct Row {
    Rcode rcode;
    Status status;
    bool definite;
  };
  for (Row row : {Row{Rcode::no_name, Status::no_name, true}, Row{Rcode::ok, Status::no_data, true},
                  Row{Rcode::failure, Status::fail, false}, Row{Rcode::refused, Status::refused, false},
                  Row{Rcode::format, Status::fail, false}, Row{Rcode::not_implemented, Status::fail, false}}) {
    Answer a = answer_to(q, AnswerBuilder(q).rcode(row.rcode).soa("org", 900, 60).wire());
    CHECK(a.status == row.status);
    CHECK(is_definite(a.status) == row.definite);
    CHECK(a.ttl == (row.definite ? 60u : 0u));
  }
  CHECK(answer_to(q, AnswerBuilder(q).rcode(Rcode::no_name).wire()).ttl == 0);
}

TEST_CASE("dns message: a referral is not taken for 'no data'", "[dns]") {
  Query q = query_for("example.org", Type::a);
  Answer a = answer_to(q, AnswerBuilder(q).authority("org", Type::ns, "\2ns\0"s).wire());
  CHECK(a.status == Status::fail);
}

TEST_CASE("dns message: aliases are followed inside the message", "[dns]") {
  Query q = query_for("www.example.org", Type::a);
  AnswerBuilder b(q);
  b.answer("www.example.org", Type::cname, "\4host\xc0\x10"s).answer("host.example.org", Type::a, "\xc0\0\2\1"s);
  Answer a = answer_to(q, b.wire());
  CHECK(a.status == Status::found);
  CHECK(a.is_alias);
  CHECK(a.name == "host.example.org");
  CHECK(a.records[0].address.to_string() == "192.0.2.1");

  AnswerBuilder open(q);
  open.answer("www.example.org", Type::cname, "\5other\3net\0"s);
  CHECK(answer_to(q, open.wire()).alias == "other.net");
  CHECK(answer_to(q, open.soa("net", 60, 60).wire()).status == Status::no_data);
}

TEST_CASE("dns message: a ring of aliases is malformed, not endless", "[dns]") {
  Query q = query_for("a.example.org", Type::a);
  AnswerBuilder b(q);
  b.answer("a.example.org", Type::cname, "\1b\xc0\x0e"s).answer("b.example.org", Type::cname, "\1a\xc0\x0e"s);
  CHECK(answer_to(q, b.wire()).status == Status::malformed);
}

TEST_CASE("dns message: records of other names in the answer are not believed", "[dns]") {
  Query q = query_for("example.org", Type::a);
  AnswerBuilder b(q);
  b.answer("victim.example", Type::a, "\xc0\0\2\1"s);
  CHECK(answer_to(q, b.wire()).status == Status::no_data);
}

TEST_CASE("dns message: an answer to another question is not ours", "[dns]") {
  Query q = query_for("example.org", Type::a);
  auto message = parse_message(AnswerBuilder(q).wire());
  REQUIRE(message);
  Query other = q;
  other.id = 1;
  CHECK_FALSE(message->answers_query(other));
  other = q;
  other.type = Type::mx;
  CHECK_FALSE(message->answers_query(other));
  other = q;
  other.name = "example.net";
  CHECK_FALSE(message->answers_query(other));
  other.name = "EXAMPLE.ORG.";
  CHECK(message->answers_query(other));
}

TEST_CASE("dns message: cut at every byte, nothing is read beyond", "[dns]") {
  Query q = query_for("example.org", Type::mx);
  AnswerBuilder b(q);
  b.answer("example.org", Type::mx, "\0\x0a\2mx\xc0\x0c"s).soa("org", 1, 1);
  std::string wire = b.wire();
  for (size_t n = 0; n < wire.size(); ++n) CHECK_FALSE(parse_message(std::string(wire, 0, n)));
  std::string truncated = wire;
  truncated[2] = static_cast<char>(truncated[2] | 2);
  CHECK(parse_message(std::string(truncated, 0, wire.size() - 30))->truncated);
}
