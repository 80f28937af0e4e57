// NAME    pickup - takes messages out of maildrop/ and gives them to cleanup
//
// DESCRIPTION
//     Scans maildrop/ when it is woken, takes up to kAtOnce messages at the same time (so that cleanup can put them on
//     the disk with one flush), and removes a file only after cleanup has answered that the message is durable in
//     incoming/.
//
//     The queue file has the id of the drop file and names it (libcommon/queue/drop_origin), so that one message is
//     posted once: when the answer of cleanup was lost, or a crash came before the removal, pickup finds it in the
//     queue. What postsuper -r moved here gets a new id, the same at every try.
//
//     A file must be a plain file with one name and the ready bit, and must say who made it: one that postdrop wrote
//     names the uid of its owner, one that postsuper -r moved here belongs to mail_owner. Only the latter keeps what
//     the envelope says about clients. Both keep the time at which they came in; one in the future is replaced by now.
//
// ERRORS
//     What cleanup defers stays for the next scan. What it rejects goes back to the sender by way of bounce. A file
//     that cannot be read goes to corrupt/.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "libcommon/config/bind.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/event/loop.h"
#include "libcommon/event/sync.h"
#include "libcommon/ipc/channel.h"
#include "libcommon/queue/directories.h"
#include "libcommon/queue/drop_origin.h"
#include "libcommon/queue/message_file.h"
#include "libcommon/queue/queue_id.h"
#include "libcommon/services/cleanup.h"

namespace umaya::submission {

struct PickupParams {
  std::string queue_directory;
  std::string myhostname;
  std::string mail_name;
  std::string content_filter;
  std::string cleanup_service;
  std::string bounce_service;
  std::vector<std::string> override_options, hash_names;
  int64_t hash_depth = 1;
  bool long_ids = false;
  Duration ipc_timeout{};
};

inline constexpr auto kPickupBindings = config::bindings<PickupParams>({
    {"queue_directory", &PickupParams::queue_directory},
    {"myhostname", &PickupParams::myhostname},
    {"mail_name", &PickupParams::mail_name},
    {"content_filter", &PickupParams::content_filter},
    {"cleanup_service_name", &PickupParams::cleanup_service},
    {"bounce_service_name", &PickupParams::bounce_service},
    {"receive_override_options", &PickupParams::override_options},
    {"hash_queue_names", &PickupParams::hash_names},
    {"hash_queue_depth", &PickupParams::hash_depth},
    {"enable_long_queue_ids", &PickupParams::long_ids},
    {"ipc_timeout", &PickupParams::ipc_timeout},
});

/// Who made a maildrop file, by its content and its owner.
enum class Origin : unsigned char { posted, requeued, unknown };
Origin origin_of(const queue::Envelope& envelope, uid_t owner, uid_t mail_owner);

/// The queue id of what a drop file becomes: its own name, or of a requeued message a new one.
std::string submission_id(const queue::Envelope& envelope, Origin origin, const queue::DropOrigin& drop,
                          queue::IdForm form);

/// The envelope that cleanup gets. A posted message keeps only what its user may say.
services::Envelope to_submission(const queue::Envelope& envelope, Origin origin, const queue::DropOrigin& drop,
                                 std::string queue_id);

/// Submission options for receive_override_options and the requests in the envelope.
uint32_t submission_options(const queue::Envelope& envelope, const std::vector<std::string>& override_options);

class Pickup {
 public:
  Pickup(daemon::Process& process, PickupParams params);
  /// Scans whenever woken; ends with the process.
  event::Task<void> run();
  /// There may be something new.
  void wake();

 private:
  struct Item;
  event::Task<void> take(std::string name);
  event::Task<void> take_open(std::string name, Fd fd, struct stat status);
  event::Task<bool> give_back(Item& item, std::string text, std::string dsn);
  event::Task<Result<services::cleanup::Outcome>> post(Item& item);
  Result<Item> load(const std::string& name, int fd, const struct stat& status);
  void not_loaded(const std::string& name, const Error& error, bool was_accepted);
  bool may_be_posted(Item& item);
  queue::IdForm id_form() const;
  void set_aside(const std::string& name, std::string_view why);
  void remove(const std::string& name);
  void try_again();

  daemon::Process& process_;
  PickupParams params_;
  queue::QueueDirectories spool_;
  ipc::ChannelPool cleanup_;
  ipc::ChannelPool bounce_;
  event::Event woken_;
  event::Semaphore slots_;
  std::set<std::string> under_way_;
  std::set<std::string> posted_;  ///< but not removed yet
  static constexpr Duration kFirstPause = std::chrono::seconds(1);
  event::Timer retry_;
  Duration pause_ = kFirstPause;  ///< until what could not be posted is tried again; grows with each failure
  event::TaskScope tasks_;
};

}  // namespace umaya::submission
