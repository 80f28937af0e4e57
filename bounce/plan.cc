#include "bounce/plan.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/message/verp.h"

namespace umaya::bounce {

namespace bs = services::bounce;
using services::delivery::Action;
using services::delivery::Status;

namespace {

NoticeKind kind_of(bs::Notice notice) {
  switch (notice) {
    case bs::Notice::failure:
      return NoticeKind::failure;
    case bs::Notice::delay:
      return NoticeKind::delay;
    case bs::Notice::success:
    case bs::Notice::delay_cleared:
      return NoticeKind::success;
    case bs::Notice::verification:
    case bs::Notice::delivery_report:
      return NoticeKind::verification;
  }
  return NoticeKind::failure;
}

Returned returned_part(const bs::Notify& request, const Params& params) {
  if (request.envelope.ret == services::Return::headers) return Returned::headers;
  return request.content_size > params.size_limit ? Returned::headers : Returned::message;
}

/// What a failure report calls recipients that were still waiting when the message expired.
void call_failed(std::vector<queue::BounceRecord>& records) {
  for (queue::BounceRecord& record : records) record.action = "failed";
}

/// Words for a report about a delivery that was not done (sendmail -bv).
void call_probed(std::vector<queue::BounceRecord>& records) {
  for (queue::BounceRecord& record : records) {
    const bool good = record.action != "failed" && record.action != "delayed";
    record.action = good ? "deliverable" : "undeliverable";
  }
}

void plan_failure(const bs::Notify& request, std::vector<queue::BounceRecord> records, const Params& params,
                  Plan& plan) {
  call_failed(records);
  const std::string& sender = request.envelope.sender;
  if (sender.empty()) {
    if (!params.notifies("2bounce")) return;
    plan.notices.push_back({NoticeKind::failure, Audience::postmaster, params.double_bounce_address(),
                            params.double_bounce_recipient, returned_part(request, params), std::move(records)});
    return;
  }
  auto wanted = wanted_records(records, queue::notify::kFailure);
  const std::string_view verp = request.envelope.attribute("verp_delimiters");
  if (!wanted.empty() && !verp.empty() && !params.disable_verp_bounces) {
    // One notice for each recipient, to the sender address that it was delivered with.
    for (queue::BounceRecord& record : wanted) {
      std::string to = message::verp_sender(sender, record.recipient.address, verp);
      plan.notices.push_back({NoticeKind::failure,
                              Audience::sender,
                              {},
                              std::move(to),
                              returned_part(request, params),
                              {std::move(record)}});
    }
  } else if (!wanted.empty()) {
    plan.notices.push_back(
        {NoticeKind::failure, Audience::sender, {}, sender, returned_part(request, params), std::move(wanted)});
  }
  if (params.notifies("bounce")) {
    plan.notices.push_back({NoticeKind::failure, Audience::postmaster, params.double_bounce_address(),
                            params.bounce_recipient, Returned::headers, std::move(records)});
  }
}

void plan_delay(const bs::Notify& request, std::vector<queue::BounceRecord> records, const Params& params, Plan& plan) {
  auto wanted = wanted_records(records, queue::notify::kDelay);
  if (!wanted.empty() && !request.envelope.sender.empty()) {
    plan.notices.push_back(
        {NoticeKind::delay, Audience::sender, {}, request.envelope.sender, Returned::headers, std::move(wanted)});
  }
  if (params.notifies("delay")) {
    plan.notices.push_back({NoticeKind::delay, Audience::postmaster, params.double_bounce_address(),
                            params.delay_recipient, Returned::headers, std::move(records)});
  }
}

}  // namespace

bool Params::notifies(std::string_view name) const {
  return std::ranges::any_of(notify_classes, [&](const std::string& word) { return iequals(word, name); });
}

Plan plan_notices(const bs::Notify& request, std::span<const queue::BounceRecord> all, const Params& params) {
  Plan plan;
  if (iequals(request.envelope.sender, params.double_bounce_address())) {
    plan.discarded = true;
    return plan;
  }
  std::vector<queue::BounceRecord> records(all.begin(), all.end());
  if (records.empty()) return plan;
  switch (request.notice) {
    case bs::Notice::failure:
      plan_failure(request, std::move(records), params, plan);
      break;
    case bs::Notice::delay:
      plan_delay(request, std::move(records), params, plan);
      break;
    case bs::Notice::success:
      records = wanted_records(records, queue::notify::kSuccess);
      [[fallthrough]];
    case bs::Notice::delay_cleared:  // the queue manager has chosen them
    case bs::Notice::verification:
    case bs::Notice::delivery_report:
      if (request.envelope.sender.empty() || records.empty()) break;
      if (request.notice == bs::Notice::verification) call_probed(records);
      plan.notices.push_back({kind_of(request.notice),
                              Audience::sender,
                              {},
                              request.envelope.sender,
                              Returned::headers,
                              std::move(records)});
  }
  return plan;
}

std::string_view describe(const PlannedNotice& notice) {
  const bool sender = notice.audience == Audience::sender;
  switch (notice.kind) {
    case NoticeKind::failure:
      return sender ? "sender non-delivery notification" : "postmaster non-delivery notification";
    case NoticeKind::delay:
      return sender ? "sender delay notification" : "postmaster delay notification";
    case NoticeKind::success:
    case NoticeKind::verification:
      return "sender delivery status notification";
  }
  return "notification";
}

queue::BounceRecord to_log_record(bs::Kind kind, const bs::Record& record) {
  const services::Recipient& to = record.recipient;
  const services::delivery::RecipientResult& result = record.result;
  queue::BounceRecord out;
  out.recipient = to;
  out.offset = result.id;
  out.status = result.dsn;
  if (kind == bs::Kind::defer || result.status == Status::deferred) {
    out.action = "delayed";
  } else if (kind == bs::Kind::bounce || result.status == Status::bounced) {
    out.action = "failed";
  } else {
    out.action = result.action == Action::relayed || result.action == Action::passed_on ? "relayed"
                 : result.action == Action::expanded                                    ? "expanded"
                                                                                        : "delivered";
  }
  out.diag_type = result.diagnostic_type;
  out.diag_text = result.diagnostic;
  out.mta_type = result.remote_mta_type;
  out.mta_name = result.remote_mta;
  out.reason = result.text;
  return out;
}

}  // namespace umaya::bounce
