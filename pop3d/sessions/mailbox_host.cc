#include "pop3d/sessions/mailbox_host.h"

#include <sys/socket.h>

#include "libcommon/log/log.h"

namespace umaya::pop3d {

namespace {

// Shared by the session and by work on another thread, which may outlive a session that is cut short.
using SharedBox = std::shared_ptr<mailbox::PopBox>;

Result<SharedBox> open_box(const std::string& location, const mailbox::PopBox::Options& options) {
  auto box = mailbox::PopBox::open(location, options);
  if (!box) return std::unexpected(std::move(box).error());
  return SharedBox(std::move(*box));
}

}  // namespace

MailboxHost::MailboxHost(const Params& params, size_t threads)
    : params_(params),
      options_{params.uidl_format, params.dovecot_uidl_format, params.lock_mailbox, params.expire},
      offload_(threads) {}

event::Task<void> MailboxHost::serve(event::Stream* client, StartSession start) {
  active_[start.id] = {client, nullptr};
  if (!params_.lock_mailbox) {
    co_await run_session(client, &start);
  } else if (!locked_.insert(start.location).second) {
    refuse(*client, start, sys_error(start.location, EBUSY).error());
  } else {
    co_await run_session(client, &start);
    locked_.erase(start.location);
  }
  active_.erase(start.id);
}

event::Task<void> MailboxHost::run_session(event::Stream* client, const StartSession* start) {
  client->set_timeout(params_.timeout);
  Result<SharedBox> box;
  // As a rule nothing has changed since the last session, and nobody waits for a disk.
  if (offload_.separate()) box = mailbox::PopBox::open_from_memory(start->location, options_);
  if (!*box) {
    auto open = [location = start->location, options = options_] { return open_box(location, options); };
    box = co_await offload_.run(std::move(open));
  }
  if (!box) {
    refuse(*client, *start, box.error());
    co_return;
  }
  Transaction::Owner owner{start->user, start->session, start->utf8};
  Transaction transaction(*client, std::move(*box), offload_, params_, std::move(owner));
  active_[start->id].transaction = &transaction;
  co_await transaction.run();
}

void MailboxHost::refuse(event::Stream& client, const StartSession& start, const Error& error) {
  if (error.sys_errno == EBUSY) {
    log::info("pop3({})<{}>: refused: another session has the mailbox", start.user, start.session);
    client.write("-ERR [IN-USE] Another session has this mailbox open.\r\n");
  } else {
    log::warning("pop3({})<{}>: {}", start.user, start.session, error.what);
    client.write("-ERR [SYS/TEMP] The mailbox cannot be opened; try again later.\r\n");
  }
  client.flush_now();
}

void MailboxHost::end(uint64_t id) {
  auto at = active_.find(id);
  if (at == active_.end()) return;
  if (at->second.transaction != nullptr) return at->second.transaction->end();
  ::shutdown(at->second.client->fd(), SHUT_RDWR);
}

void MailboxHost::end_all() {
  std::vector<uint64_t> ids;
  for (const auto& [id, active] : active_) ids.push_back(id);
  for (uint64_t id : ids) end(id);
}

}  // namespace umaya::pop3d
