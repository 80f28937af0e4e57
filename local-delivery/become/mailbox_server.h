// NAME    mailbox_server - the jobs of a mailbox worker: .forward files, lists, Maildir and mbox
//
// DESCRIPTION
//     Blocking code for a worker that has the user's rights already. Maildirs stay open between batches, so that the
//     next message for the user needs no path at all. Deliveries of one batch into the same mailbox share one group of
//     flushes.
//     A .forward file counts when it is a regular file of the user's or root's, and neither it nor the home is writable
//     by everybody; otherwise it is passed over with a warning, and the mail stays at home (attack L4).
//     A question whether a mailbox has room (Purpose::ask) looks for .forward files in the same way, makes nothing that
//     is not there, and may count the Maildir.
//
// ERRORS
//     Everything is temporary but mailbox size limits, and over quota (ours or EDQUOT) where quota_bounces says so. A
//     home that is not there never makes the mail go back (L8).
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/mailbox/maildir_delivery.h"
#include "libcommon/services/become.h"

namespace umaya::local_delivery {

struct DeliverJob {
  services::become::Deliver request;
  Fd message;
};

class MailboxServer {
 public:
  /// Answers in the order of the jobs.
  std::vector<services::become::Delivered> deliver(std::span<DeliverJob> jobs);
  services::become::FileContent read_file(const services::become::ReadFile& request);

 private:
  struct Group;
  bool prepare(const DeliverJob& job, services::become::Delivered& answer);
  void deliver_maildir(std::span<DeliverJob> jobs, Group& group, std::span<services::become::Delivered> answers);
  void deliver_mbox(std::span<DeliverJob> jobs, Group& group, std::span<services::become::Delivered> answers);
  Result<mailbox::Maildir*> maildir(const services::become::Mailbox& where);

  std::map<std::pair<std::string, std::string>, mailbox::Maildir> maildirs_;
};

}  // namespace umaya::local_delivery
