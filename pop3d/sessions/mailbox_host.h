// NAME    mailbox_host - serves sessions of logged-in users in this process
//
// SYNOPSIS
//     MailboxHost host(params, 2);
//     scope.spawn(serve…);            // co_await host.serve(&stream, std::move(start));
//     host.end(id);
//
// DESCRIPTION
//     Opens the mailbox with the rights that the process has, answers the log-in ("+OK Logged in.", or why not), and
//     runs the session.
//
// OWNERSHIP
//     Outlives the sessions it serves, as do the parameters.
#pragma once

#include <map>
#include <set>
#include <string>

#include "libcommon/event/stream.h"
#include "libcommon/mailbox/pop_box.h"
#include "pop3d/params.h"
#include "pop3d/sessions/messages.h"
#include "pop3d/sessions/offload.h"
#include "pop3d/transaction.h"

namespace umaya::pop3d {

class MailboxHost {
 public:
  /// threads: for work on the disk; 0 where no other user waits for it.
  MailboxHost(const Params& params, size_t threads);
  event::Task<void> serve(event::Stream* client, StartSession start);
  /// The administrator ends a session; an unknown number is passed over.
  void end(uint64_t id);
  void end_all();
  size_t sessions() const { return active_.size(); }

 private:
  struct Active {
    event::Stream* client = nullptr;
    Transaction* transaction = nullptr;  // when the mailbox is open
  };
  event::Task<void> run_session(event::Stream* client, const StartSession* start);
  void refuse(event::Stream& client, const StartSession& start, const Error& error);

  const Params& params_;
  mailbox::PopBox::Options options_;
  Offload offload_;
  std::map<uint64_t, Active> active_;
  std::set<std::string, std::less<>> locked_;  // mailboxes that sessions of this process have
};

}  // namespace umaya::pop3d
