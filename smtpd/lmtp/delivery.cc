#include "smtpd/lmtp/delivery.h"

#include <fmt/format.h>

#include "libcommon/base/clock.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/services/delivery_key.h"
#include "libcommon/services/delivery_log.h"

namespace umaya::smtpd {

using event::Task;
using services::delivery::RecipientResult;
using services::delivery::Reply;
using services::delivery::Request;
using services::delivery::Status;

Delivery::Delivery(Mailboxes& mailboxes, Request request, int message, const std::vector<Place>& places)
    : mailboxes_(mailboxes),
      request_(std::move(request)),
      message_(message),
      places_(places),
      keys_(places.size()),
      results_(places.size()),
      twins_(places.size()) {}

Delivery::~Delivery() {
  for (const std::string& key : begun_) mailboxes_.unconfirmed().end(key);
}

void Delivery::start() {
  bool has_origin = !request_.envelope.attribute(services::kOriginAttribute).empty();
  for (size_t i = 0; i < places_.size(); ++i) {
    if (has_origin) keys_[i] = services::delivery_key(request_.envelope, places_[i].recipient);
    if (!same_as_before(i) && !known_before(i)) add(i);
  }
  for (size_t i = 0; i < std::min(kAtOnce, batches_.size()); ++i) scope_.spawn(work(this));
}

/// A recipient that was named twice.
bool Delivery::same_as_before(size_t index) {
  const Place& place = places_[index];
  std::string name = fmt::format("{} {} {}", place.transport, place.recipient.address, place.recipient.original);
  auto [first, fresh] = first_of_.try_emplace(std::move(name), index);
  if (fresh) return false;
  twins_[first->second].push_back(index);
  if (results_[first->second]) results_[index] = results_[first->second];
  return true;
}

bool Delivery::known_before(size_t index) {
  const std::string& key = keys_[index];
  if (key.empty()) return false;
  Unconfirmed& unconfirmed = mailboxes_.unconfirmed();
  switch (unconfirmed.begin(key)) {
    case Unconfirmed::Known::no:
      begun_.insert(key);
      return false;
    case Unconfirmed::Known::running:
      settle_here(index, Status::deferred, "4.3.0", "this message is being delivered");
      return true;
    case Unconfirmed::Known::delivered:
      settle_here(index, Status::sent, "2.0.0", unconfirmed.text(key) + " before");
      return true;
  }
  return false;
}

void Delivery::add(size_t index) {
  const std::string& transport = places_[index].transport;
  for (auto batch = batches_.rbegin(); batch != batches_.rend(); ++batch) {
    if (batch->transport != transport) continue;
    if (batch->places.size() >= kBatch) break;
    return batch->places.push_back(index);
  }
  batches_.push_back({transport, {index}});
}

Task<void> Delivery::work(Delivery* self) {
  while (self->next_batch_ < self->batches_.size()) {
    Batch batch = std::move(self->batches_[self->next_batch_++]);
    co_await self->run(std::move(batch));
  }
}

Task<void> Delivery::run(Batch batch) {
  Request request = request_;
  request.transport = batch.transport;
  request.nexthop = message::split_address(places_[batch.places.front()].recipient.address).domain;
  request.handed_usec = wall_usec();
  for (size_t index : batch.places) {
    request.targets.push_back({static_cast<uint32_t>(index), places_[index].recipient});
  }
  Result<Reply> reply = co_await mailboxes_.deliver(std::move(request), message_);
  if (reply) {
    for (RecipientResult& result : reply->results) {
      bool ours = result.id < results_.size() && !results_[result.id];
      if (ours) settle(result.id, std::move(result));
    }
  } else {
    log::warning("{}: {}: {}", request_.envelope.queue_id, services::delivery::socket_of(batch.transport),
                 reply.error().what);
  }
  for (size_t index : batch.places) {
    if (results_[index]) continue;
    std::string text = reply ? "the delivery agent did not say what became of this recipient"
                             : "mail transport " + batch.transport + " unavailable";
    settle_here(index, Status::deferred, "4.3.0", std::move(text));
  }
}

void Delivery::settle(size_t index, RecipientResult result) {
  for (size_t twin : twins_[index]) results_[twin] = result;
  results_[index] = std::move(result);
  changed_.pulse();
}

/// A result that no agent has logged.
void Delivery::settle_here(size_t index, Status status, std::string dsn, std::string text) {
  RecipientResult result;
  result.status = status;
  result.dsn = std::move(dsn);
  result.text = std::move(text);
  services::delivery::StatusLine line{
      .dsn = result.dsn, .status = services::delivery::status_word(status), .text = result.text};
  line.stages = {.arrival = request_.envelope.arrival_usec, .active = request_.active_usec, .done = wall_usec()};
  log::info("{}", services::delivery::format_status(request_.envelope.queue_id, places_[index].recipient, line));
  settle(index, std::move(result));
}

Task<RecipientResult> Delivery::result(size_t index) {
  while (!results_[index]) {
    bool changed = co_await changed_.wait();
    (void)changed;
  }
  co_return *results_[index];
}

}  // namespace umaya::smtpd
