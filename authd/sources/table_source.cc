#include "authd/sources/table_source.h"

#include "libcommon/base/strings.h"
#include "libcommon/table/settle.h"

namespace umaya::authd {

namespace {

/// The value of a table. The password may have colons, so that it is not read as a line of a file.
Result<Account> account_of(const std::string& user, const std::string& value, const std::string& title,
                           const auth::PasswdRules& rules) {
  std::string_view text = trim(value);
  size_t blank = text.find_first_of(" \t");
  std::string_view password = text.substr(0, blank);
  std::string line = user + "::::::";
  if (blank != std::string_view::npos) line += ":" + std::string(text.substr(blank + 1));
  std::vector<std::string> problems;
  Account account;
  auto entry = auth::parse_passwd_line(line, title, problems, rules);
  if (!entry) return temporary(problems.empty() ? title + ": user " + user + " is malformed" : problems.front());
  account.entry = std::move(*entry);
  if (password != "*" && password != "!") {
    auto stored = auth::StoredPassword::parse(password, rules.default_scheme);
    if (!stored) return temporary(title + ": user " + user + ": " + stored.error().what);
    account.entry.password = std::move(*stored);
  }
  account.stored_text = value;
  return account;
}

}  // namespace

Result<void> TableSource::refresh() {
  if (maps_.refresh()) ++generation_;
  return {};
}

event::Task<Result<std::optional<Account>>> TableSource::find(std::string user) {
  (void)refresh();
  auto question = [this, &user] { return maps_.find(user); };
  table::Lookup found = co_await table::settle(std::move(question));
  if (found.is_error()) co_return std::unexpected(found.error());
  if (!found.found()) co_return std::nullopt;
  UMAYA_CO_TRY(Account account, account_of(user, found.value(), maps_.title(), rules_));
  account.source = name();
  if (account.entry.password && account.entry.password->is_slow()) decoy_ = account.entry.password;
  co_return account;
}

unsigned TableSource::uses() const {
  if (rules_.default_scheme == "PLAIN" || rules_.default_scheme == "CLEARTEXT") return auth::kEverySecret;
  unsigned uses = auth::kCheckable;
  if (rules_.default_scheme == "SCRAM-SHA-1") uses |= auth::kScramSha1;
  if (rules_.default_scheme == "SCRAM-SHA-256") uses |= auth::kScramSha256;
  return uses;
}

Result<std::vector<std::string>> TableSource::users() {
  std::vector<std::string> names;
  for (const auto& table : maps_.tables()) {
    UMAYA_CHECK(table->for_each([&](std::string_view key, std::string_view) { names.emplace_back(key); }));
  }
  return names;
}

}  // namespace umaya::authd
