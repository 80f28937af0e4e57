#include "bounce/plan.h"

#include <catch2/catch.hpp>

using namespace umaya;
using namespace umaya::bounce;
namespace bs = umaya::services::bounce;

namespace {

Params params(std::vector<std::string> classes = {"resource", "software"}) {
  Params p;
  p.myhostname = "mail.example.org";
  p.double_bounce_sender = "double-bounce";
  p.bounce_recipient = p.delay_recipient = "postmaster";
  p.double_bounce_recipient = "two-bounce";
  p.notify_classes = std::move(classes);
  return p;
}

bs::Notify request(bs::Notice notice, std::string sender) {
  bs::Notify r;
  r.notice = notice;
  r.envelope.sender = std::move(sender);
  r.content_size = 100;
  return r;
}

std::vector<queue::BounceRecord> records(uint8_t notify = 0) {
  queue::BounceRecord r;
  r.recipient.address = "bob@example.org";
  r.recipient.notify = notify;
  r.action = "delayed";
  return {r};
}

}  // namespace

TEST_CASE("bounce plan: a failure goes to the sender from the null sender", "[bounce]") {
  Plan plan = plan_notices(request(bs::Notice::failure, "alice@example.org"), records(), params());
  REQUIRE(plan.notices.size() == 1);
  CHECK(plan.notices[0].from.empty());
  CHECK(plan.notices[0].to == "alice@example.org");
  CHECK(plan.notices[0].returned == Returned::message);
  CHECK(plan.notices[0].records[0].action == "failed");
  CHECK(describe(plan.notices[0]) == "sender non-delivery notification");
}

TEST_CASE("bounce plan: NOTIFY=NEVER leaves nobody to tell but a postmaster who wants copies", "[bounce]") {
  CHECK(plan_notices(request(bs::Notice::failure, "a@b"), records(queue::notify::kNever), params()).notices.empty());
  Plan plan = plan_notices(request(bs::Notice::failure, "a@b"), records(queue::notify::kNever), params({"bounce"}));
  REQUIRE(plan.notices.size() == 1);
  CHECK(plan.notices[0].audience == Audience::postmaster);
  CHECK(plan.notices[0].returned == Returned::headers);
  CHECK(plan.notices[0].from == "double-bounce@mail.example.org");
}

TEST_CASE("bounce plan: S30 Q14 a failing bounce is told to postmaster once, a failing notice of ours to nobody",
          "[bounce]") {
  CHECK(plan_notices(request(bs::Notice::failure, ""), records(), params()).notices.empty());
  Plan plan = plan_notices(request(bs::Notice::failure, ""), records(), params({"2bounce"}));
  REQUIRE(plan.notices.size() == 1);
  CHECK(plan.notices[0].to == "two-bounce");
  CHECK(plan.notices[0].from == "double-bounce@mail.example.org");
  Plan triple = plan_notices(request(bs::Notice::failure, "Double-Bounce@mail.example.org"), records(),
                             params({"bounce", "2bounce"}));
  CHECK(triple.notices.empty());
  CHECK(triple.discarded);
}

TEST_CASE("bounce plan: with VERP each recipient's failure goes to the sender address it was delivered with",
          "[bounce]") {
  bs::Notify verp = request(bs::Notice::failure, "owner@b.test");
  verp.envelope.attributes.push_back({"verp_delimiters", "+="});
  std::vector<queue::BounceRecord> two = records();
  two.push_back(two.front());
  two[0].recipient.address = "x@far.test";
  two[1].recipient.address = "y@far.test";
  Plan plan = plan_notices(verp, two, params());
  REQUIRE(plan.notices.size() == 2);
  CHECK(plan.notices[0].to == "owner+x=far.test@b.test");
  CHECK(plan.notices[1].to == "owner+y=far.test@b.test");
  CHECK(plan.notices[1].records.size() == 1);
  Params off = params();
  off.disable_verp_bounces = true;
  plan = plan_notices(verp, two, off);
  REQUIRE(plan.notices.size() == 1);
  CHECK(plan.notices[0].to == "owner@b.test");
}

TEST_CASE("bounce plan: the end of a delay is told to the sender whatever success notices were asked for", "[bounce]") {
  Plan plan = plan_notices(request(bs::Notice::delay_cleared, "a@b"), records(), params());
  REQUIRE(plan.notices.size() == 1);
  CHECK(plan.notices[0].kind == NoticeKind::success);
  CHECK(plan_notices(request(bs::Notice::success, "a@b"), records(), params()).notices.empty());
}

TEST_CASE("bounce plan: S34 large messages and RET=HDRS bring headers only", "[bounce]") {
  bs::Notify big = request(bs::Notice::failure, "a@b");
  big.content_size = 50001;
  CHECK(plan_notices(big, records(), params()).notices[0].returned == Returned::headers);
  bs::Notify headers = request(bs::Notice::failure, "a@b");
  headers.envelope.ret = services::Return::headers;
  CHECK(plan_notices(headers, records(), params()).notices[0].returned == Returned::headers);
}

TEST_CASE("bounce plan: success reports are for those who asked", "[bounce]") {
  CHECK(plan_notices(request(bs::Notice::success, "a@b"), records(), params()).notices.empty());
  CHECK(plan_notices(request(bs::Notice::success, "a@b"), records(queue::notify::kSuccess), params()).notices.size() ==
        1);
  CHECK(plan_notices(request(bs::Notice::success, ""), records(queue::notify::kSuccess), params()).notices.empty());
}

TEST_CASE("bounce plan: a probe says deliverable or undeliverable", "[bounce]") {
  auto all = records();
  all.push_back(all[0]);
  all[1].action = "delivered";
  Plan plan = plan_notices(request(bs::Notice::verification, "a@b"), all, params());
  REQUIRE(plan.notices.size() == 1);
  CHECK(plan.notices[0].records[0].action == "undeliverable");
  CHECK(plan.notices[0].records[1].action == "deliverable");
}

TEST_CASE("bounce: every bound parameter is in the table and marked used", "[bounce]") {
  for (const std::string& problem : config::check_bindings(kBindings)) FAIL_CHECK(problem);
}
