#include "cleanup/session.h"

#include <optional>

#include "cleanup/intake.h"
#include "libcommon/event/loop.h"
#include "libcommon/log/log.h"

namespace umaya::cleanup {
namespace {

namespace sc = services::cleanup;

/// A client that says nothing for so long in the middle of a message is gone.
constexpr Duration kSilence = std::chrono::hours(1);

event::Task<bool> take_recipients(ipc::Channel& channel, Intake& intake) {
  for (;;) {
    auto more = co_await channel.receive<sc::MoreRecipients>(kSilence);
    if (!more) co_return false;
    co_await intake.add_recipients(std::move(more->recipients));
    if (more->last) co_return true;
  }
}

event::Task<bool> take_content(ipc::Channel& channel, Intake& intake) {
  for (;;) {
    auto more = co_await channel.receive<sc::Content>(kSilence);
    if (!more) co_return false;
    co_await intake.add_content(std::move(more->bytes));
    if (more->last) co_return true;
  }
}

/// One message; false when the connection is to end.
event::Task<bool> take_message(Service& service, ipc::Channel& channel) {
  auto submission = co_await channel.receive<sc::Submission>();
  if (!submission) co_return false;
  service.refresh();
  bool last_recipients = submission->last_recipients;
  bool last_content = submission->last_content;
  std::string content = std::move(submission->content);
  // Notices are not slowed down: they come from the queue, and empty it.
  bool notice = (submission->options & sc::kBounce) != 0;
  Duration rest = notice ? Duration::zero() : service.inflow().pause();
  if (rest > Duration::zero()) co_await event::sleep(rest);
  std::optional<Intake> intake(std::in_place, service);
  co_await intake->begin(std::move(*submission));
  if (!last_recipients) {
    bool complete = co_await take_recipients(channel, *intake);
    if (!complete) co_return false;
  }
  co_await intake->add_content(std::move(content));
  if (!last_content) {
    bool complete = co_await take_content(channel, *intake);
    if (!complete) co_return false;
  }
  // A client that is gone cannot be told: it, or its own client, will come with the message again.
  if (channel.stale()) co_return false;
  Outcome outcome = co_await intake->finish();
  intake.reset();  // the file of a message that was not taken is gone before anybody hears of it
  auto sent = co_await channel.send(std::move(outcome));
  co_return sent.has_value();
}

}  // namespace

event::Task<void> serve(Service& service, const daemon::Process& process, Fd fd) {
  ipc::Channel channel(std::move(fd));
  bool more = true;
  while (more) {
    more = co_await take_message(service, channel);
    more = more && !process.crowded();
  }
}

}  // namespace umaya::cleanup
