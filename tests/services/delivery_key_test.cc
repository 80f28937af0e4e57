#include "libcommon/services/delivery_key.h"

#include <catch2/catch.hpp>

using namespace umaya::services;

namespace {

Envelope envelope(std::string queue_id, std::string origin = {}) {
  Envelope out;
  out.queue_id = std::move(queue_id);
  out.arrival_usec = 1'795'321'083'083'120;
  if (!origin.empty()) set_origin(out, std::move(origin));
  return out;
}

Recipient to(std::string address) {
  Recipient out;
  out.address = std::move(address);
  return out;
}

}  // namespace

TEST_CASE("delivery key: it is the same for each try and for nothing else", "[services]") {
  std::string key = delivery_key(envelope("4F0A1BC23DE"), to("a@x"));
  CHECK(key.starts_with("1795321083.M083120Q4F0A1BC23DEK"));
  CHECK(key == delivery_key(envelope("4F0A1BC23DE"), to("a@x")));
  CHECK(key != delivery_key(envelope("4F0A1BC23DE"), to("b@x")));
  CHECK(key != delivery_key(envelope("4F0A1BC23DF"), to("a@x")));
}

TEST_CASE("delivery key: promise 3 messages made twice from one have the same keys", "[services]") {
  std::string origin = origin_of(envelope("4F0A1BC23DE"), {"list@x", "a@x\nb@x\n"});
  CHECK(delivery_key(envelope("AAAAA1", origin), to("a@x")) == delivery_key(envelope("BBBBB2", origin), to("a@x")));
  CHECK(delivery_key(envelope("AAAAA1", origin), to("a@x")) != delivery_key(envelope("AAAAA1", origin), to("b@x")));
  CHECK(origin != origin_of(envelope("4F0A1BC23DE"), {"list@x", "a@x\n"}));
  CHECK(origin != origin_of(envelope("4F0A1BC23DE"), {"list", "@xa@x\nb@x\n"}));
  CHECK(origin != origin_of(envelope("4F0A1BC23DF"), {"list@x", "a@x\nb@x\n"}));
}

TEST_CASE("delivery key: a chain of forwarding does not make it longer", "[services]") {
  std::string origin = origin_of(envelope("4F0A1BC23DE"), {"a"});
  size_t size = origin.size();
  for (int i = 0; i < 50; ++i) {
    std::string next = origin_of(envelope("AAAAA" + std::to_string(i), origin), {"a"});
    CHECK(next != origin);
    CHECK(next.size() == size);
    origin = next;
  }
  CHECK(delivery_key(envelope("AAAAA1", origin), to("a@x")).size() <= 128);
}

TEST_CASE("delivery key: an origin that is no part of a file name is passed over", "[services]") {
  std::string plain = delivery_key(envelope("4F0A1BC23DE"), to("a@x"));
  for (std::string bad : {"../../etc/passwd", "1/2", "x", ".1", "1 2", "1\n", "1:2,S"}) {
    CHECK(delivery_key(envelope("4F0A1BC23DE", bad), to("a@x")) == plain);
  }
  CHECK(delivery_key(envelope("4F0A1BC23DE", std::string(101, '1')), to("a@x")) == plain);
}
