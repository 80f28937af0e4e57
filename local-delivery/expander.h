// NAME    expander - aliases, :include: files and .forward text into a plan
//
// DESCRIPTION
//     Follows Postfix's local(8): an alias is looked up with and without the extension; a name in its own expansion is
//     the user; a name other than the one being expanded is forwarded as mail of its own; everything in an :include:
//     file is forwarded; \user is the mailbox; commands and files run with the rights of the user on whose behalf they
//     are named, else of the list's or alias table's owner, else (and instead of root) of default_privs. Each alias,
//     list and target is taken up once for a recipient, so that loops end and nothing grows like 2^n (L6).
//
// ERRORS
//     What cannot be read or asked sets plan.defer. What can never work is a failure of the plan and does not stop the
//     rest.
//
// LIMITS
//     100 levels, 100,000 targets, duplicate_filter_limit does not apply: nothing is forgotten.
#pragma once

#include <string>
#include <vector>

#include "libcommon/event/task.h"
#include "libcommon/mailbox/alias_value.h"
#include "local-delivery/local_params.h"
#include "local-delivery/plan.h"
#include "local-delivery/recipient_name.h"

namespace umaya::local_delivery {

class Expander {
 public:
  Expander(const LocalParams& params, LocalOutside& outside, Identity default_identity)
      : params_(params), outside_(outside), default_identity_(default_identity) {}

  /// Takes up the recipient itself.
  event::Task<void> add_recipient(Plan* plan, std::string address, From from);
  /// Takes up what a .forward file says.
  event::Task<void> add_forward_text(Plan* plan, User user, std::string text, From from);

  RecipientName split(std::string_view address) const;
  /// With whose rights commands and files of this origin are used.
  Identity rights(const From& from) const;

 private:
  using Targets = std::vector<mailbox::AliasTarget>;
  event::Task<void> add_targets(Plan* plan, Targets targets, From from);
  event::Task<void> add_address(Plan* plan, std::string address, From from);
  event::Task<void> add_include(Plan* plan, std::string path, From from);
  event::Task<void> add_mailbox(Plan* plan, std::string user, From from);
  event::Task<bool> add_alias(Plan* plan, RecipientName name, std::string key, From from);
  event::Task<void> add_user(Plan* plan, RecipientName name, From from);
  event::Task<void> add_unknown(Plan* plan, RecipientName name, From from);
  event::Task<void> set_owner_sender(Plan* plan, std::string key, From* from);
  void add_forward(Plan* plan, std::string address, const From& from);
  void add_command(Plan* plan, std::string command, const From& from);
  void add_file(Plan* plan, std::string path, const From& from);
  bool propagates(std::string_view kind) const;

  const LocalParams& params_;
  LocalOutside& outside_;
  Identity default_identity_;
};

}  // namespace umaya::local_delivery
