#include "local-delivery/expander.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"

namespace umaya::local_delivery {

using event::Task;
using mailbox::AliasTarget;
using mailbox::TargetKind;
using services::delivery::Status;

namespace {

constexpr int kDeepest = 100;
constexpr size_t kMostTargets = 100'000;

bool once(Plan* plan, std::string what) {
  return plan->seen.insert(std::move(what)).second;
}

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& item) { return iequals(item, word); });
}

std::string_view word_of(Origin origin) {
  switch (origin) {
    case Origin::include:
      return "include";
    case Origin::forward:
      return "forward";
    default:
      return "alias";
  }
}

void fail(Plan* plan, std::string dsn, std::string text) {
  plan->failures.push_back({Status::bounced, std::move(dsn), std::move(text), {}, false});
}

void defer(Plan* plan, Error why) {
  if (why.dsn.empty() || why.dsn[0] != '4') why.dsn = "4.3.0";
  if (!plan->defer) plan->defer = std::move(why);
}

// "kim@x" with extension "+list": "kim+list@x".
std::string with_extension(const std::string& address, const std::string& extension) {
  size_t at = address.rfind('@');
  if (at == address.npos) return address + extension;
  return address.substr(0, at) + extension + address.substr(at);
}

std::string extension_of(const RecipientName& name) {
  return name.delimiter ? std::string(1, name.delimiter) + name.extension : "";
}

}  // namespace

RecipientName Expander::split(std::string_view address) const {
  return split_recipient(address, params_.recipient_delimiter,
                         params_.owner_request_special ? OwnerRule::special : OwnerRule::plain);
}

Identity Expander::rights(const From& from) const {
  if (from.user) {
    if (from.user->uid == 0) return default_identity_;
    return {from.user->uid, from.user->gid};
  }
  return from.owner && from.owner->uid != 0 ? *from.owner : default_identity_;
}

bool Expander::propagates(std::string_view kind) const {
  return contains(params_.propagate, kind);
}

void Expander::add_forward(Plan* plan, std::string address, const From& from) {
  if (!once(plan, "address " + from.sender + " " + address)) return;
  bool own_name = !params_.frozen_delivered && from.origin == Origin::alias;
  std::string delivered = own_name ? from.name + "@" + from.domain : "";
  auto same = [&](const Forward& f) {
    return f.sender == from.sender && f.other_sender == from.other_sender && f.delivered_to == delivered;
  };
  auto group = std::find_if(plan->forwards.begin(), plan->forwards.end(), same);
  if (group == plan->forwards.end()) {
    group = plan->forwards.insert(plan->forwards.end(), Forward{from.sender, from.other_sender, delivered, {}});
  }
  group->recipients.push_back(std::move(address));
}

void Expander::add_command(Plan* plan, std::string command, const From& from) {
  if (!contains(params_.allow_commands, word_of(from.origin))) {
    return fail(plan, "5.7.1", "mail to command is restricted");
  }
  if (once(plan, fmt::format("command {} {}", rights(from).uid, command))) {
    plan->commands.push_back({std::move(command), from});
  }
}

void Expander::add_file(Plan* plan, std::string path, const From& from) {
  if (!contains(params_.allow_files, word_of(from.origin))) return fail(plan, "5.7.1", "mail to file is restricted");
  if (once(plan, fmt::format("file {} {}", rights(from).uid, path))) plan->files.push_back({std::move(path), from});
}

Task<void> Expander::add_targets(Plan* plan, Targets targets, From from) {
  for (AliasTarget& target : targets) {
    if (++plan->targets > kMostTargets) {
      defer(plan, Error{ErrorKind::temporary, 0, "too many targets in aliases and lists", "4.3.5"});
      co_return;
    }
    switch (target.kind) {
      case TargetKind::command:
        add_command(plan, std::move(target.text), from);
        break;
      case TargetKind::file:
        add_file(plan, std::move(target.text), from);
        break;
      case TargetKind::include:
        co_await add_include(plan, std::move(target.text), from);
        break;
      case TargetKind::mailbox:
        co_await add_mailbox(plan, std::move(target.text), from);
        break;
      case TargetKind::address:
        co_await add_address(plan, std::move(target.text), from);
        break;
    }
  }
}

Task<void> Expander::add_include(Plan* plan, std::string path, From from) {
  if (!once(plan, "include " + path)) co_return;
  if (++from.depth > kDeepest) {
    defer(plan, Error{ErrorKind::temporary, 0, ":include: files nested too deeply at " + path, "4.3.5"});
    co_return;
  }
  services::become::ReadFile question;
  question.path = path;
  services::become::FileContent file = co_await outside_.read_file(rights(from), std::move(question));
  auto targets = file.ok ? mailbox::parse_alias_lines(file.text, {})
                         : Result<Targets>(temporary("cannot read :include: " + path + ": " + file.text, "4.2.0"));
  if (!targets) {
    targets.error().what = ":include: " + path + ": " + targets.error().what;
    log::warning("{}", targets.error().what);
    defer(plan, targets.error());
    co_return;
  }
  from.origin = Origin::include;
  if (!from.user) {
    from.owner.reset();
    if (file.owner != 0 && !file.others_write) from.owner = Identity{file.owner, file.group};
  }
  if (!propagates("include")) from.extension.clear();
  co_await add_targets(plan, std::move(*targets), from);
}

Task<void> Expander::add_mailbox(Plan* plan, std::string user, From from) {
  RecipientName name = split(user);
  Result<std::optional<User>> found = co_await outside_.find_user(name.user);
  if (!found) {
    defer(plan, found.error());
  } else if (!*found) {
    fail(plan, "5.1.1", fmt::format("unknown user: \"{}\"", name.user));
  } else if (once(plan, "mailbox " + name.user)) {
    plan->users.push_back({**found, MailboxStep::mailbox_only, std::move(from)});
  }
}

Task<void> Expander::add_address(Plan* plan, std::string address, From from) {
  if (!from.extension.empty()) address = with_extension(address, from.extension);
  Result<Place> place = co_await outside_.resolve(address);
  if (!place) {
    if (!place.error().is_permanent()) {
      defer(plan, place.error());
    } else {
      fail(plan, place.error().dsn.empty() ? "5.1.3" : place.error().dsn, place.error().what);
    }
    co_return;
  }
  if (place->local) {
    from.extension.clear();
    co_await add_recipient(plan, place->address, std::move(from));
  } else {
    add_forward(plan, place->address, from);
  }
}

// owner-NAME takes the notices of what is forwarded through NAME.
Task<void> Expander::set_owner_sender(Plan* plan, std::string key, From* from) {
  if (key.starts_with("owner-") || from->sender.empty()) co_return;
  std::string owner = "owner-" + key;
  AliasAnswer answer = co_await outside_.alias(owner);
  if (answer.lookup.is_error()) {
    defer(plan, answer.lookup.error());
    co_return;
  }
  if (!answer.lookup.found()) {
    if (params_.reset_owner) from->other_sender = false;
    co_return;
  }
  std::string sender = owner;
  if (params_.expand_owner) {
    auto targets = mailbox::parse_alias_value(answer.lookup.value(), {});
    bool one_address = targets && targets->size() == 1 && (*targets)[0].kind == TargetKind::address;
    if (one_address) sender = (*targets)[0].text;
  }
  Result<Place> place = co_await outside_.resolve(sender);
  if (!place) {
    defer(plan, place.error());
    co_return;
  }
  from->sender = place->address;
  from->other_sender = true;
}

// True when key is an alias; then its expansion is in the plan.
Task<bool> Expander::add_alias(Plan* plan, RecipientName name, std::string key, From from) {
  if (from.origin == Origin::alias && iequals(from.name, key)) co_return false;
  AliasAnswer answer = co_await outside_.alias(key);
  if (answer.lookup.is_error()) {
    defer(plan, answer.lookup.error());
    co_return true;
  }
  if (!answer.lookup.found()) co_return false;
  if (++from.depth > kDeepest) {
    fail(plan, "5.4.6", "possible alias database loop for " + key);
    co_return true;
  }
  if (!once(plan, "alias " + key)) co_return true;
  auto targets = mailbox::parse_alias_value(answer.lookup.value(), {});
  if (!targets) {
    log::warning("alias {}: {}", key, targets.error().what);
    targets.error().what = "alias " + key + ": " + targets.error().what;
    defer(plan, targets.error());
    co_return true;
  }
  co_await set_owner_sender(plan, key, &from);
  from.origin = Origin::alias;
  from.name = key;
  from.domain = name.domain;
  from.user.reset();
  from.owner = answer.owner;
  from.extension = key == name.user && propagates("alias") ? extension_of(name) : "";
  size_t before = plan->seen.size();
  co_await add_targets(plan, std::move(*targets), from);
  if (plan->seen.size() == before && plan->empty()) {
    log::warning("no recipients in alias {}", key);
    fail(plan, "5.4.6", fmt::format("alias {} leads nowhere", key));
  }
  co_return true;
}

Task<void> Expander::add_recipient(Plan* plan, std::string address, From from) {
  RecipientName name = split(address);
  bool own_forward = from.origin == Origin::forward && iequals(from.name, name.user);
  bool full = co_await add_alias(plan, name, name.local, from);
  if (full) co_return;
  if (name.delimiter) {
    bool bare = co_await add_alias(plan, name, name.user, from);
    if (bare) co_return;
  }
  bool other = from.origin != Origin::recipient && !iequals(from.name, name.user) && !iequals(from.name, name.local);
  if ((other || from.origin == Origin::include) && !own_forward) {
    add_forward(plan, std::move(address), from);
    co_return;
  }
  co_await add_user(plan, std::move(name), std::move(from));
}

Task<void> Expander::add_user(Plan* plan, RecipientName name, From from) {
  Result<std::optional<User>> found = co_await outside_.find_user(name.user);
  if (!found) {
    defer(plan, found.error());
  } else if (!*found) {
    co_await add_unknown(plan, std::move(name), std::move(from));
  } else {
    // The second time round (a name in its own .forward) it is the mailbox.
    MailboxStep step = once(plan, "forward of " + name.user) ? MailboxStep::forward_first : MailboxStep::mailbox_only;
    if (step == MailboxStep::forward_first || once(plan, "mailbox " + name.user)) {
      plan->users.push_back({**found, step, std::move(from)});
    }
  }
}

Task<void> Expander::add_unknown(Plan* plan, RecipientName name, From from) {
  std::string transport = params_.fallback_transport;
  if (!params_.fallback_transport_maps.empty()) {
    table::Lookup mapped = co_await outside_.user_map(UserMap::fallback_transport, name.user);
    if (mapped.is_error()) {
      defer(plan, mapped.error());
      co_return;
    }
    if (mapped.found()) transport = mapped.value();
  }
  if (!transport.empty()) {
    plan->passes.emplace_back(transport, name.address);
    co_return;
  }
  if (!params_.luser_relay.empty() && once(plan, "luser_relay " + name.local)) {
    Names names{{"user", name.user},
                {"local", name.local},
                {"domain", name.domain},
                {"extension", name.extension},
                {"recipient", name.address},
                {"recipient_delimiter", extension_of(name).substr(0, 1)},
                {"home", ""},
                {"shell", ""}};
    auto relay = expand_names(params_.luser_relay, names, params_.command_filter + "#~");
    auto targets = relay ? mailbox::parse_alias_value(*relay, {}) : Result<Targets>(std::unexpected(relay.error()));
    if (!targets) {
      defer(plan, targets.error());
      co_return;
    }
    from.origin = Origin::alias;
    from.name = name.local;
    co_await add_targets(plan, std::move(*targets), std::move(from));
    co_return;
  }
  bool required = name.user == "postmaster" || name.user == "mailer-daemon" || name.user == "abuse";
  if (required && once(plan, "required " + name.user)) {
    log::warning("required alias not found: {}: its mail goes to root", name.user);
    From fresh;
    fresh.sender = from.sender;
    co_await add_recipient(plan, "root", fresh);
    co_return;
  }
  fail(plan, "5.1.1", fmt::format("unknown user: \"{}\"", name.user));
}

Task<void> Expander::add_forward_text(Plan* plan, User user, std::string text, From from) {
  auto targets = mailbox::parse_alias_lines(text, {});
  if (!targets) {
    defer(plan, targets.error());
    co_return;
  }
  if (targets->empty()) {  // an empty file forwards nothing
    if (once(plan, "mailbox " + user.name)) plan->users.push_back({user, MailboxStep::mailbox_only, std::move(from)});
    co_return;
  }
  std::erase_if(*targets, [&](const AliasTarget& target) {
    bool refused = user.uid == 0 && target.kind != TargetKind::address && target.kind != TargetKind::mailbox;
    if (refused) log::warning("the .forward file of root may only name addresses: \"{}\" is passed over", target.text);
    return refused;
  });
  from.origin = Origin::forward;
  from.name = user.name;
  from.user = std::move(user);
  if (!propagates("forward")) from.extension.clear();
  ++from.depth;
  co_await add_targets(plan, std::move(*targets), std::move(from));
}

}  // namespace umaya::local_delivery
