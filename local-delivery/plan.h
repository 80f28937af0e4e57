// NAME    plan - what a recipient means after aliases and lists: every thing to be done, once
//
// DESCRIPTION
//     Expansion comes first and changes nothing, so that a list that cannot be read defers the mail before anything was
//     done. Then the plan is carried out: mailboxes (which may show a .forward file and add to the plan), commands and
//     files, and last of all one new message to all other addresses, by which each of them gets a delivery state of its
//     own in the queue.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libcommon/services/delivery.h"
#include "local-delivery/local_outside.h"

namespace umaya::local_delivery {

/// Where a target was named.
enum class Origin : unsigned char { recipient, alias, include, forward };

/// The circumstances under which a target is looked at.
struct From {
  Origin origin = Origin::recipient;
  std::string name{};               ///< alias or user whose expansion this is
  std::optional<User> user{};       ///< on whose behalf: a .forward file's owner
  std::optional<Identity> owner{};  ///< of the alias table or list; nothing: default_privs
  std::string sender{};             ///< envelope sender for forwarded mail
  bool other_sender = false;        ///< an owner- alias replaced it
  std::string domain{};             ///< of the recipient whose expansion this is
  std::string extension{};          ///< unmatched, to be passed on to addresses; with its delimiter
  int depth = 0;
};

enum class MailboxStep : unsigned char { forward_first, mailbox_only };

struct UserAction {
  User user;
  MailboxStep step;
  From from;
};
struct CommandAction {
  std::string command;
  From from;
};
struct FileAction {
  std::string path;
  From from;
};

/// What became of one part of the plan.
struct PartResult {
  services::delivery::Status status = services::delivery::Status::deferred;
  std::string dsn;
  std::string text;
  services::delivery::Action action = services::delivery::Action::delivered;
  bool logged_elsewhere = false;                        ///< another agent delivered it and wrote the log line
  std::optional<services::delivery::MailboxUse> use{};  ///< of a mailbox that was asked about
};

struct Plan {
  std::vector<UserAction> users;
  std::vector<CommandAction> commands;
  std::vector<FileAction> files;
  std::vector<Forward> forwards;                            ///< one for each envelope sender
  std::vector<PartResult> failures;                         ///< targets that can never be delivered
  std::vector<std::pair<std::string, std::string>> passes;  ///< {transport, recipient}
  std::optional<Error> defer;                               ///< expansion is not complete: nothing may be done
  bool discard = false;                                     ///< an empty expansion that is meant so
  std::set<std::string> seen;                               ///< things that were taken up already
  size_t targets = 0;

  bool empty() const {
    return users.empty() && commands.empty() && files.empty() && forwards.empty() && failures.empty() &&
           passes.empty() && !defer;
  }
};

}  // namespace umaya::local_delivery
