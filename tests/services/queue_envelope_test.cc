#include "libcommon/services/queue_envelope.h"

#include <catch2/catch.hpp>

using namespace umaya;

TEST_CASE("queue envelope: what a client said survives the queue file", "[services]") {
  services::Envelope envelope;
  envelope.sender = "a@example.com";
  envelope.envid = "QQ314159";
  envelope.ret = services::Return::headers;
  envelope.body = services::BodyType::eight_bit;
  envelope.smtputf8 = true;
  envelope.arrival_usec = 17;
  envelope.attributes = {{"client_address", "192.0.2.1"}, {"helo_name", "pc.example"}, {"log_message_origin", "x[1]"}};
  services::Envelope back = services::from_file("ABCDEF1", services::to_file(envelope));
  CHECK(back.queue_id == "ABCDEF1");
  CHECK(back.sender == envelope.sender);
  CHECK(back.envid == envelope.envid);
  CHECK(back.ret == envelope.ret);
  CHECK(back.body == envelope.body);
  CHECK(back.smtputf8);
  CHECK(back.arrival_usec == 17);
  for (const auto& attribute : envelope.attributes) CHECK(back.attribute(attribute.name) == attribute.value);
  CHECK(back.attributes.size() == 3);
}
