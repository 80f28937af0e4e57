#include "authd/user_data.h"

#include "authd/names.h"
#include "libcommon/base/strings.h"
#include "libcommon/base/users.h"
#include "libcommon/table/search.h"
#include "libcommon/table/settle.h"

namespace umaya::authd {

namespace {

bool is_complete(const auth::PasswdEntry& entry) {
  return entry.uid && entry.gid && !entry.home.empty();
}

/// What entry leaves out is taken from other.
void fill_gaps(auth::PasswdEntry& entry, auth::PasswdEntry other) {
  if (!entry.uid) entry.uid = other.uid;
  if (!entry.gid) entry.gid = other.gid;
  if (entry.home.empty()) entry.home = std::move(other.home);
  if (entry.mail.empty()) entry.mail = std::move(other.mail);
  for (std::string& field : other.more) entry.more.push_back(std::move(field));
}

Result<auth::PasswdEntry> read_fields(std::string_view text, const std::string& title) {
  auth::PasswdEntry entry;
  for (std::string_view field : split(text, " \t")) {
    if (!auth::set_user_field(entry, field)) {
      return temporary(title + ": \"" + printable(field) + "\": write uid= and gid= with numbers");
    }
  }
  return entry;
}

event::Task<Result<table::Lookup>> find_whole(table::Maps* maps, const table::AddressRules* rules, std::string name) {
  maps->refresh();
  auto ask = [&] { return table::find_address(*maps, name, *rules).lookup; };
  table::Lookup found = co_await table::settle(std::move(ask));
  if (found.is_error()) co_return std::unexpected(found.error());
  co_return found;
}

Result<std::optional<uint32_t>> id_from(const table::Lookup& found, const table::Maps& maps, const std::string& name) {
  if (!found.found()) return std::nullopt;
  auto id = parse_uint(trim(found.value()));
  if (!id || *id >= UINT32_MAX)
    return temporary(maps.title() + ": " + name + ": \"" + found.value() + "\" is no number");
  return static_cast<uint32_t>(*id);
}

}  // namespace

UserData::UserData(const Params& params, const table::Options& tables) : params_(params) {
  table::Options exact = tables;
  exact.substitution = table::Substitution::refused;  // a name must not choose a uid or a path
  rules_.delimiters = params.recipient_delimiter;
  user_maps_ = table::Maps::open(exact, "auth_user_maps", params.user_maps);
  if (params.virtual_base.empty()) return;
  virtual_domains_ =
      table::MatchList::parse(tables, "virtual_mailbox_domains", params.virtual_domains, table::MatchKind::exact);
  mailboxes_ = table::Maps::open(exact, "virtual_mailbox_maps", params.virtual_mailbox_maps);
  uids_ = table::Maps::open(exact, "virtual_uid_maps", params.virtual_uid_maps);
  gids_ = table::Maps::open(exact, "virtual_gid_maps", params.virtual_gid_maps);
}

event::Task<Result<auth::LoginData>> UserData::complete(auth::PasswdEntry entry) {
  if (!user_maps_.empty()) UMAYA_CO_CHECK(co_await ask_user_maps(&entry));
  if (!is_complete(entry)) UMAYA_CO_CHECK(co_await ask_virtual(&entry));
  UMAYA_CO_CHECK(apply_defaults(&entry));
  if (!is_complete(entry)) UMAYA_CO_CHECK(ask_system(&entry));
  co_return judge(std::move(entry));
}

event::Task<Result<void>> UserData::ask_user_maps(auth::PasswdEntry* entry) {
  auto found = co_await find_whole(&user_maps_, &rules_, entry->user);
  if (!found) co_return std::unexpected(found.error());
  if (!found->found()) co_return Result<void>();
  UMAYA_CO_TRY(auth::PasswdEntry fields, read_fields(found->value(), "auth_user_maps: " + entry->user));
  fill_gaps(*entry, std::move(fields));
  co_return Result<void>();
}

event::Task<Result<void>> UserData::ask_virtual(auth::PasswdEntry* entry) {
  std::string domain(domain_part(entry->user));
  if (domain.empty() || params_.virtual_base.empty()) co_return Result<void>();
  virtual_domains_.refresh();
  auto ask = [&] { return virtual_domains_.matches(domain); };
  table::Match match = co_await table::settle(std::move(ask));
  if (match == table::Match::error) co_return std::unexpected(virtual_domains_.error());
  if (match == table::Match::no) co_return Result<void>();
  auto mailbox = co_await find_whole(&mailboxes_, &rules_, entry->user);
  if (!mailbox) co_return std::unexpected(mailbox.error());
  if (!mailbox->found()) co_return Result<void>();
  auto uid = co_await find_whole(&uids_, &rules_, entry->user);
  auto gid = co_await find_whole(&gids_, &rules_, entry->user);
  if (!uid) co_return std::unexpected(uid.error());
  if (!gid) co_return std::unexpected(gid.error());
  auth::PasswdEntry fields;
  UMAYA_CO_TRY(fields.uid, id_from(*uid, uids_, entry->user));
  UMAYA_CO_TRY(fields.gid, id_from(*gid, gids_, entry->user));
  std::string path(mailbox->value());
  path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
  bool maildir = path.ends_with('/');
  while (path.ends_with('/')) path.pop_back();
  std::string whole = params_.virtual_base + "/" + path;
  fields.mail = (maildir ? "maildir:" : "mbox:") + whole;
  fields.home = maildir ? whole : whole.substr(0, whole.rfind('/'));
  fill_gaps(*entry, std::move(fields));
  co_return Result<void>();
}

Result<void> UserData::apply_defaults(auth::PasswdEntry* entry) const {
  if (params_.user_defaults.empty()) return {};
  UMAYA_TRY(auth::PasswdEntry fields,
            read_fields(fill_template(params_.user_defaults, entry->user), "auth_user_defaults"));
  fill_gaps(*entry, std::move(fields));
  return {};
}

Result<void> UserData::ask_system(auth::PasswdEntry* entry) const {
  std::string_view domain = domain_part(entry->user);
  if (!domain.empty() && !iequals(domain, params_.default_realm)) return {};
  UMAYA_TRY(std::optional<User> system, find_user_entry(local_part(entry->user)));
  if (!system) return {};
  auth::PasswdEntry fields;
  fields.uid = system->uid;
  fields.gid = system->gid;
  fields.home = system->home;
  fill_gaps(*entry, std::move(fields));
  return {};
}

Result<auth::LoginData> UserData::judge(auth::PasswdEntry entry) const {
  if (!entry.uid || !entry.gid) {
    return temporary("user " + entry.user +
                     ": no uid and gid: add them to its line, to auth_user_maps or to auth_user_defaults");
  }
  if (*entry.uid < static_cast<uint32_t>(params_.first_valid_uid)) {
    return temporary("user " + entry.user + ": uid " + std::to_string(*entry.uid) + " is below auth_first_valid_uid");
  }
  auth::LoginData data;
  data.user = std::move(entry.user);
  data.uid = *entry.uid;
  data.gid = *entry.gid;
  data.home = std::move(entry.home);
  data.mail = std::move(entry.mail);
  data.more = std::move(entry.more);
  return data;
}

}  // namespace umaya::authd
