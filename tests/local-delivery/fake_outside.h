// NAME    fake_outside - the world of a local delivery in memory
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/event/loop.h"
#include "local-delivery/local_delivery.h"

namespace umaya::local_delivery::fixture {

class FakeOutside : public LocalOutside {
 public:
  std::map<std::string, std::string> aliases;
  std::map<std::string, Identity> alias_owners;
  std::set<std::string> failing_aliases;
  std::map<std::string, User> users;
  bool users_fail = false;
  std::map<std::string, std::string> forward_files;  ///< by path
  std::map<std::string, services::become::FileContent> includes;
  std::map<UserMap, std::map<std::string, std::string>> maps;
  std::set<std::string> broken;  ///< "mailbox kim", "command cmd", "forward": fail for now
  int exit_code = 0;

  std::vector<std::string> done;  ///< what happened, one line each
  std::vector<std::string> told;  ///< of new mail
  std::vector<services::become::Run> runs;
  std::vector<services::become::Deliver> deliveries;

  void add_user(const std::string& name, uint32_t uid) {
    users[name] = {name, uid, uid, "", "/home/" + name, "/bin/sh"};
  }

  event::Task<AliasAnswer> alias(std::string name) override {
    AliasAnswer answer;
    if (failing_aliases.contains(name)) answer.lookup = table::Lookup::failed("alias table is away");
    auto found = aliases.find(name);
    if (found != aliases.end()) answer.lookup = table::Lookup::of(found->second);
    if (alias_owners.contains(name)) answer.owner = alias_owners[name];
    co_return answer;
  }
  event::Task<table::Lookup> user_map(UserMap map, std::string user) override {
    auto found = maps[map].find(user);
    co_return found == maps[map].end() ? table::Lookup() : table::Lookup::of(found->second);
  }
  event::Task<Result<Place>> resolve(std::string address) override {
    if (address.find('@') == address.npos) address += "@example.com";
    co_return Place{iends_with(address, "@example.com"), address};
  }
  event::Task<Result<std::optional<User>>> find_user(std::string name) override {
    if (users_fail) co_return temporary("user database is away", "4.3.0");
    auto found = users.find(name);
    if (found == users.end()) co_return std::optional<User>();
    co_return std::optional<User>(found->second);
  }
  event::Task<services::become::Delivered> deliver(Identity who, services::become::Deliver job) override {
    services::become::Delivered answer;
    answer.outcome = services::become::Outcome::delivered;
    for (const std::string& path : job.forward) {
      auto file = forward_files.find(path);
      if (file == forward_files.end()) continue;
      answer.outcome = services::become::Outcome::forward;
      answer.forward_text = file->second;
      co_return answer;
    }
    deliveries.push_back(job);
    if (job.mailbox.kind == services::become::MailboxKind::none) co_return answer;
    std::string what = "mailbox " + job.mailbox.base + "/" + job.mailbox.path + " uid " + std::to_string(who.uid);
    if (broken.contains("mailbox")) {
      answer.outcome = services::become::Outcome::temporary;
      answer.text = "disk full";
      answer.dsn = "4.3.1";
    } else {
      done.push_back(what);
      answer.begins_at = 1234;
    }
    co_return answer;
  }
  event::Task<services::become::FileContent> read_file(Identity who, services::become::ReadFile job) override {
    auto found = includes.find(job.path);
    services::become::FileContent missing;
    missing.text = "No such file or directory";
    services::become::FileContent content = found == includes.end() ? missing : found->second;
    if (content.ok && content.owner == 4242 && who.uid != 4242) {
      content = missing;
      content.text = "Permission denied";
    }
    co_return content;
  }
  event::Task<services::become::Ended> run(Identity who, services::become::Run job) override {
    std::string what = "command " + job.argv.back() + " uid " + std::to_string(who.uid);
    runs.push_back(job);
    int code = broken.contains("command " + job.argv.back()) ? 75 : exit_code;
    if (code == 0) done.push_back(what);
    co_return services::become::Ended{1, services::become::End::exited, code, ""};
  }
  event::Task<Result<std::string>> forward(Forward message) override {
    if (broken.contains("forward")) co_return temporary("cleanup is away", "4.3.0");
    std::string what = "forward <" + message.sender + ">" + (message.other_sender ? "!" : "");
    for (const std::string& to : message.recipients) what += " " + to;
    if (!message.delivered_to.empty()) what += " via " + message.delivered_to;
    done.push_back(what);
    co_return std::string("NEWID");
  }
  void tell_new_mail(const std::string& user, uint64_t begins_at) override {
    told.push_back(user + "@" + std::to_string(begins_at));
  }
  event::Task<services::delivery::RecipientResult> pass(std::string transport, std::string nexthop,
                                                        std::string recipient) override {
    done.push_back("pass " + transport + ":" + nexthop + " " + recipient);
    services::delivery::RecipientResult result;
    result.status = services::delivery::Status::sent;
    result.dsn = "2.0.0";
    result.text = "passed";
    co_return result;
  }

  services::become::FileContent& include(const std::string& path, const std::string& text, uint32_t owner) {
    services::become::FileContent& content = includes[path];
    content.ok = true;
    content.text = text;
    content.owner = content.group = owner;
    return content;
  }
};

/// A LocalDelivery with Postfix's defaults.
class Desk {
 public:
  Desk() {
    LocalParams& p = settings.params;
    p.allow_commands = p.allow_files = {"alias", "forward"};
    p.delivered_header = {"command", "file", "forward"};
    p.propagate = {"canonical", "virtual"};
    p.locks = {"fcntl", "dotlock"};
    p.mail_spool_directory = "/var/mail";
    p.forward_path = "$home/.forward${recipient_delimiter}${extension}, $home/.forward";
    p.command_filter = p.forward_filter = p.directory_filter =
        "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    p.recipient_delimiter = "+";
    p.command_time_limit = std::chrono::seconds(1000);
    p.export_environment = {};
    settings.default_identity = {65534, 65534};
    settings.default_user = {"nobody", 65534, 65534, "", "/", "/bin/sh"};
    settings.queue_directory = "/spool/";
    message.envelope.queue_id = "QID";
    message.envelope.sender = "sender@example.org";
    outside.add_user("kim", 1001);
    outside.add_user("lee", 1002);
    outside.add_user("root", 0);
  }
  RecipientOutcome run(const std::string& address, const std::string& original = "") {
    services::Recipient recipient;
    recipient.address = address;
    recipient.original = original;
    outside.done.clear();
    LocalDelivery delivery(settings, outside, ledger, message);
    return event::run_until_done(delivery.run(recipient));
  }
  /// The status and what was done, in one line.
  std::string result(const std::string& address) {
    RecipientOutcome outcome = run(address);
    std::string text = outcome.result.dsn;
    for (const std::string& done : outside.done) text += " | " + done;
    return text;
  }

  LocalSettings settings;
  FakeOutside outside;
  Ledger ledger;
  LocalMessage message;
};

}  // namespace umaya::local_delivery::fixture
