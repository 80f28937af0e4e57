#include "local-delivery/agent.h"

#include <unistd.h>

#include <algorithm>

#include "libcommon/base/clock.h"
#include "libcommon/base/strings.h"
#include "libcommon/event/sync.h"
#include "libcommon/log/log.h"
#include "libcommon/mailbox/maildir_delivery.h"
#include "libcommon/message/address.h"
#include "libcommon/services/delivery_log.h"

namespace umaya::local_delivery {

using event::Task;
using namespace services::delivery;

namespace {

constexpr size_t kHeaderLimit = 1024 * 1024;

std::string_view header_part(std::string_view text) {
  size_t end = text.find("\r\n\r\n");
  if (text.starts_with("\r\n")) end = 0;
  return text.substr(0, end == text.npos ? end : end + 2);
}

struct Gathering {
  Reply reply;
  size_t left = 0;
  event::Event done;
};

Task<void> deliver_one(Gathering* all, const Job* job, DeliverTarget deliver, size_t index) {
  RecipientResult result = co_await deliver(*job, job->request.targets[index]);
  all->reply.results[index] = std::move(result);
  if (--all->left == 0) all->done.set();
}

}  // namespace

Task<Reply> deliver_each(const Job& job, DeliverTarget deliver) {
  const std::vector<Target>& targets = job.request.targets;
  Gathering all;
  all.reply.results.resize(targets.size());
  if (targets.size() == 1) {
    all.reply.results[0] = co_await deliver(job, targets[0]);
    co_return std::move(all.reply);
  }
  all.left = targets.size();
  event::TaskScope scope;
  for (size_t i = 0; i < targets.size(); ++i) scope.spawn(deliver_one(&all, &job, deliver, i));
  if (all.left > 0) co_await all.done.wait();
  co_return std::move(all.reply);
}

daemon::SandboxPolicy agent_sandbox(const daemon::Process& process) {
  static constexpr std::string_view kTables[] = {"alias_maps",
                                                 "canonical_maps",
                                                 "fallback_transport_maps",
                                                 "local_recipient_maps",
                                                 "mailbox_command_maps",
                                                 "mailbox_transport_maps",
                                                 "mydestination",
                                                 "passwd_file",
                                                 "relay_domains",
                                                 "relocated_maps",
                                                 "sender_dependent_default_transport_maps",
                                                 "sender_dependent_relayhost_maps",
                                                 "transport_maps",
                                                 "virtual_alias_domains",
                                                 "virtual_alias_maps",
                                                 "virtual_gid_maps",
                                                 "virtual_mailbox_domains",
                                                 "virtual_mailbox_maps",
                                                 "virtual_uid_maps"};
  daemon::SandboxPolicy policy;
  // The user database and its helpers read what nsswitch.conf tells them to.
  policy.read = {"/etc", "/usr", "/lib", "/lib64", "/run", "/var/lib"};
  policy.write = {process.queue_path("private"), process.queue_path("public")};
  for (std::string_view name : kTables) {
    for (const std::string& word : process.config().get_list(name)) {
      size_t path = word.starts_with('/') ? 0 : word.find(":/");
      if (path == word.npos) continue;
      if (path > 0) ++path;
      policy.read.push_back(word.substr(path, word.rfind('/') - path + 1));
    }
  }
  return policy;
}

void log_status(const Job& job, const Target& target, const RecipientResult& result, std::string_view relay,
                int decimals) {
  if ((job.request.flags & kNotLogged) != 0) return;
  StatusLine line;
  line.relay = relay;
  line.dsn = result.dsn;
  line.status = status_word(result.status);
  line.text = result.text;
  line.stages.arrival = job.request.envelope.arrival_usec;
  line.stages.active = job.request.active_usec;
  line.stages.handed = job.request.handed_usec;
  line.stages.done = wall_usec();
  log::info("{}", format_status(job.request.envelope.queue_id, target.recipient, line, decimals));
}

RecipientResult make_result(const Target& target, Status status, std::string dsn, std::string text) {
  RecipientResult result;
  result.id = target.id;
  result.status = status;
  result.dsn = std::move(dsn);
  result.text = std::move(text);
  if (status != Status::sent) {
    result.diagnostic_type = "X-Postfix";
    result.diagnostic = result.text;
  }
  return result;
}

std::vector<std::string> delivered_to_headers(int message, uint64_t offset, uint64_t size) {
  std::vector<std::string> out;
  std::string text;
  size_t want = std::min<uint64_t>(size, 4096);
  while (true) {
    text.resize(want);
    ssize_t n = ::pread(message, text.data(), want, static_cast<off_t>(offset));
    if (n < 0) return out;
    text.resize(static_cast<size_t>(n));
    bool whole = text.size() >= size || text.size() >= kHeaderLimit || text.find("\r\n\r\n") != text.npos;
    if (whole || static_cast<size_t>(n) < want) break;
    want = std::min<uint64_t>(std::min<uint64_t>(size, kHeaderLimit), want * 8);
  }
  std::string_view headers = header_part(text);
  while (!headers.empty()) {
    size_t end = std::min(headers.find("\r\n"), headers.size());
    std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 2, headers.size()));
    if (istarts_with(line, "delivered-to:")) out.emplace_back(trim(line.substr(13)));
  }
  return out;
}

bool names_recipient(const std::vector<std::string>& headers, std::string_view recipient) {
  std::string written = message::to_external(recipient);
  auto same = [&](const std::string& header) { return iequals(header, recipient) || iequals(header, written); };
  return std::any_of(headers.begin(), headers.end(), same);
}

std::string agent_head(const services::Envelope& envelope, std::string_view original, std::string_view delivered) {
  std::string sender = message::to_external(envelope.sender);
  std::string first = message::to_external(original);
  std::string last = message::to_external(delivered);
  return mailbox::delivery_head({sender, first, last});
}

}  // namespace umaya::local_delivery
