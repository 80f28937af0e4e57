// NAME    local_backend - the world of a local delivery as the daemon has it
//
// DESCRIPTION
//     LocalAgent is the daemon: settings, tables, users, workers, connections to other services. LocalBackend is
//     LocalOutside for one request.
//
// OWNERSHIP
//     The agent outlives its backends; a backend borrows the job of its request.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/ipc/channel.h"
#include "libcommon/route/router.h"
#include "libcommon/services/cleanup.h"
#include "libcommon/services/status_filter.h"
#include "libcommon/table/maps.h"
#include "local-delivery/agent.h"
#include "local-delivery/biff.h"
#include "local-delivery/local_delivery.h"

namespace umaya::local_delivery {

class LocalAgent {
 public:
  /// Opens tables and looks up default_privs; permanent when the configuration is wrong.
  static Result<std::unique_ptr<LocalAgent>> open(const daemon::Process& process);

  event::Task<services::delivery::RecipientResult> deliver(const Job& job, const services::delivery::Target& target);

 private:
  friend class LocalBackend;
  struct AliasTable {
    table::Maps maps;
    std::string file;  ///< whose owner's rights its commands have; empty: not a file
  };
  LocalAgent() = default;
  void open_tables(const config::Config& config);
  void open_alias_table(const table::Options& options, std::string_view spec);
  ipc::ChannelPool& agent(const std::string& transport);
  /// One of local_destination_concurrency_limit places for what works alone for a user: commands, other agents.
  struct Turn {
    LocalAgent* agent;
    std::string user;
    ~Turn();
  };
  event::Task<std::unique_ptr<Turn>> turn_for(std::string recipient);

  LocalSettings settings_;
  std::string service_;
  std::vector<AliasTable> aliases_;
  table::Maps mailbox_transports_, mailbox_commands_, fallback_transports_, quotas_;
  table::Maps& user_maps(UserMap map);
  std::unique_ptr<route::Router> router_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<ipc::ChannelPool> cleanup_;
  std::map<std::string, std::unique_ptr<ipc::ChannelPool>> agents_;
  struct Places {
    explicit Places(size_t count) : free(count) {}
    event::Semaphore free;
    size_t users = 0;  ///< who have or want a place
  };
  std::map<std::string, Places> places_;
  SystemUsers users_;
  services::delivery::StatusFilter status_filter_;
  Biff biff_;
  Ledger ledger_;
};

class LocalBackend : public LocalOutside {
 public:
  LocalBackend(LocalAgent& agent, const Job& job, const services::delivery::Target& target)
      : agent_(agent), job_(job), target_(target) {}
  event::Task<AliasAnswer> alias(std::string name) override;
  event::Task<table::Lookup> user_map(UserMap map, std::string user) override;
  event::Task<Result<Place>> resolve(std::string address) override;
  event::Task<Result<std::optional<User>>> find_user(std::string name) override;
  event::Task<services::become::Delivered> deliver(Identity who, services::become::Deliver job) override;
  event::Task<services::become::FileContent> read_file(Identity who, services::become::ReadFile job) override;
  event::Task<services::become::Ended> run(Identity who, services::become::Run job) override;
  event::Task<Result<std::string>> forward(Forward message) override;
  void tell_new_mail(const std::string& user, uint64_t begins_at) override { agent_.biff_.notify(user, begins_at); }
  event::Task<services::delivery::RecipientResult> pass(std::string transport, std::string nexthop,
                                                        std::string recipient) override;

 private:
  services::cleanup::Submission submission(const Forward& message) const;
  event::Task<Result<void>> send_content(ipc::Channel& channel, services::cleanup::Submission head);

  LocalAgent& agent_;
  const Job& job_;
  const services::delivery::Target& target_;
};

}  // namespace umaya::local_delivery
