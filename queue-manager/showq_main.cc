// NAME    showq - lists the queue for postqueue and mailq
//
// SYNOPSIS
//     showq [Postfix's daemon options]
//
// DESCRIPTION
//     Answers each request with one message after the other: where it lies, its size, sender and recipients, and why it
//     waits. A message with very many recipients comes in several pieces.
//
// RECEIVES FROM
//     postqueue(1), also as mailq
//
// PRIVILEGE
//     mail_owner; reads the queue.
//
// FILES
//     maildrop/, active/, incoming/, deferred/, hold/, defer/, bounce/
//
// SEE ALSO
//     postqueue(1), qmgr(8)
#include <unistd.h>

#include "libcommon/daemon/queue_hooks.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/queue/listing.h"
#include "libcommon/services/showq.h"
#include "queue-manager/params.h"

namespace umaya::qmgr {
namespace {

namespace service = services::showq;

/// Recipients in one packet; addresses and reasons are cut so that it fits.
constexpr size_t kPiece = 50;
constexpr size_t kLongestText = 1000;
/// A reader that takes nothing for so long is gone.
constexpr Duration kLimit = std::chrono::seconds(100);

std::optional<queue::QueueDirectories> spool;

Result<void> prepare(daemon::Process& process) {
  UMAYA_TRY(int64_t depth, process.config().get_int("hash_queue_depth"));
  spool.emplace(process.queue_path(""), queue::Hashing{process.config().get_list("hash_queue_names"),
                                                       static_cast<unsigned>(std::max<int64_t>(depth, 0))});
  return {};
}

service::Entry head_of(const queue::ListedMessage& message) {
  service::Entry entry;
  entry.queue_name = queue::to_string(message.queue);
  entry.queue_id = message.id;
  entry.arrival_seconds = message.arrival_seconds;
  entry.size = message.size;
  entry.forced_expire = message.forced_expire;
  entry.sender = message.sender.substr(0, kLongestText);
  return entry;
}

event::Task<Result<void>> send_message(ipc::Channel& channel, const queue::ListedMessage& message, bool reasons) {
  size_t done = 0;
  do {
    service::Entry entry = head_of(message);
    for (; done < message.recipients.size() && entry.recipients.size() < kPiece; ++done) {
      const queue::ListedRecipient& recipient = message.recipients[done];
      entry.recipients.push_back({recipient.address.substr(0, kLongestText), recipient.original.substr(0, kLongestText),
                                  reasons ? recipient.reason.substr(0, kLongestText) : "", recipient.bounced});
    }
    entry.more = done < message.recipients.size();
    auto sent = co_await channel.send(std::move(entry), {}, kLimit);
    if (!sent) co_return sent;
  } while (done < message.recipients.size());
  co_return Result<void>{};
}

event::Task<void> session(daemon::Process& process, Fd fd, event::PeerAddress) {
  ipc::Channel channel(std::move(fd));
  auto request = co_await channel.receive<service::List>(kLimit);
  if (!request) co_return;
  queue::QueueListing listing(*spool);
  service::End end;
  while (auto message = listing.next()) {
    auto sent = co_await send_message(channel, *message, request->reasons);
    if (!sent || process.stopping()) co_return;
    if (++end.messages % 100 == 0) co_await event::next_round();  // others get their turn
  }
  auto sent = co_await channel.send(std::move(end), {}, kLimit);
  (void)sent;
}

}  // namespace
}  // namespace umaya::qmgr

int main(int argc, char** argv) {
  using namespace umaya;
  daemon::Hooks hooks = daemon::queue_hooks("showq", daemon::QueueAccess::read);
  hooks.prepare = qmgr::prepare;
  hooks.session = qmgr::session;
  return daemon::run(argc, argv, std::move(hooks));
}
