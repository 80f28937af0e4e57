#include "commands/postqueue/requests.h"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>

#include "commands/postqueue/mailq.h"
#include "libcommon/event/loop.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/log/log.h"
#include "libcommon/queue/listing.h"
#include "libcommon/services/showq.h"

namespace umaya::postqueue {
namespace {

namespace showq = services::showq;
namespace qmgr = services::qmgr;

constexpr Duration kLimit = std::chrono::seconds(100);

/// Entries to standard output.
class Output {
 public:
  Output(Listing form, queue::IdForm ids) : form_(form), text_(ids) {}
  void add(const showq::Entry& entry) {
    if (form_ == Listing::text) return put(text_.add(entry));
    std::string line = json_.add(entry);
    if (!line.empty()) put(line + "\n");
  }
  int end() {
    if (form_ == Listing::text) put(text_.end());
    if (std::fflush(stdout) != 0) failed_ = true;
    return failed_ ? EX_IOERR : EX_OK;
  }

 private:
  void put(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) failed_ = true;
  }
  Listing form_;
  MailqText text_;
  MailqJson json_;
  bool failed_ = false;
};

event::Task<Result<void>> list_from_showq(std::string path, Output* output) {
  UMAYA_CO_TRY(auto channel, ipc::Channel::connect(path));
  showq::List request;
  UMAYA_CO_CHECK(co_await channel->send(std::move(request)));
  for (;;) {
    UMAYA_CO_TRY(ipc::Packet packet, co_await channel->receive_packet(kLimit));
    if (packet.is<showq::End>()) co_return Result<void>{};
    UMAYA_CO_TRY(showq::Entry entry, ipc::decode<showq::Entry>(packet.bytes));
    output->add(entry);
  }
}

bool may_read_queue(const config::Config& config) {
  struct stat status;
  return ::getuid() == 0 ||
         (::stat((config.get("queue_directory") + "/active").c_str(), &status) == 0 && status.st_uid == ::getuid());
}

void list_from_files(const config::Config& config, Output& output) {
  queue::QueueDirectories spool(
      config.get("queue_directory"),
      {config.get_list("hash_queue_names"), static_cast<unsigned>(config.get_int("hash_queue_depth").value_or(1))});
  queue::QueueListing listing(spool);
  while (auto message = listing.next()) {
    showq::Entry entry;
    entry.queue_name = queue::to_string(message->queue);
    entry.queue_id = message->id;
    entry.arrival_seconds = message->arrival_seconds;
    entry.size = message->size;
    entry.forced_expire = message->forced_expire;
    entry.sender = message->sender;
    for (const auto& recipient : message->recipients) {
      entry.recipients.push_back({recipient.address, recipient.original, recipient.reason, recipient.bounced});
    }
    output.add(entry);
  }
}

event::Task<Result<qmgr::Done>> ask(std::string path, qmgr::Command request) {
  UMAYA_CO_TRY(auto channel, ipc::Channel::connect(path));
  co_return co_await channel->call<qmgr::Done>(std::move(request), {}, kLimit);
}

}  // namespace

int list_queue(const config::Config& config, Listing form) {
  bool long_ids = config.get_bool("enable_long_queue_ids").value_or(false);
  Output output(form, long_ids ? queue::IdForm::long_form : queue::IdForm::short_form);
  std::string path = config.get("queue_directory") + "/public/" + config.get("showq_service_name");
  Result<void> listed = event::run_until_done(list_from_showq(path, &output));
  if (listed) return output.end();
  bool is_down = listed.error().sys_errno == ENOENT || listed.error().sys_errno == ECONNREFUSED;
  if (is_down && may_read_queue(config)) {
    list_from_files(config, output);
    return output.end();
  }
  log::write(log::Level::fatal, is_down ? "Queue report unavailable - mail system is down"
                                        : "Queue report is not complete: " + listed.error().what);
  return EX_UNAVAILABLE;
}

int command(const config::Config& config, qmgr::Verb verb, const std::string& argument) {
  std::string path = config.get("queue_directory") + "/public/" + config.get("queue_service_name");
  qmgr::Command request;
  request.verb = verb;
  request.argument = argument;
  Result<qmgr::Done> done = event::run_until_done(ask(path, std::move(request)));
  if (!done) {
    log::write(log::Level::fatal, "Cannot flush mail queue - mail system is down");
    return EX_UNAVAILABLE;
  }
  if (done->ok) return EX_OK;
  log::write(log::Level::fatal, argument.empty() ? done->text : "\"" + argument + "\": " + done->text);
  return verb == qmgr::Verb::flush_site ? EX_USAGE : EX_UNAVAILABLE;
}

}  // namespace umaya::postqueue
