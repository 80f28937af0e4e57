#include "smtp-client/security/accounts.h"

#include <openssl/evp.h>

#include "libcommon/table/settle.h"

namespace umaya::smtp_client {

using event::Task;

Accounts Accounts::open(const table::Options& tables, const std::string& prefix, const SaslParams& params,
                        table::AddressRules rules) {
  Accounts out;
  out.enabled_ = params.enable;
  out.by_sender_ = params.sender_dependent;
  out.remembers_ = !params.cache_name.empty();
  out.delimiter_ = params.delimiter;
  out.cache_time_ = params.cache_time;
  if (params.enable) out.passwords_ = table::Maps::open(tables, prefix + "sasl_password_maps", params.password_maps);
  out.rules_ = std::move(rules);
  return out;
}

table::Lookup Accounts::look_up(const Key& key) {
  if (by_sender_ && !key.sender.empty()) {
    table::Found found = table::find_address(passwords_, key.sender, rules_);
    if (!found.lookup.missing()) return std::move(found.lookup);
  }
  table::Lookup found = passwords_.find(key.host);
  if (!found.missing() || key.nexthop == key.host) return found;
  return passwords_.find(key.nexthop);
}

Task<Result<std::optional<Account>>> Accounts::find(Key key) {
  std::optional<Account> none;
  if (!enabled_ || passwords_.empty()) co_return none;
  passwords_.refresh();
  auto question = [this, &key] { return look_up(key); };
  table::Lookup found = co_await table::settle(std::move(question));
  if (found.is_error()) co_return temporary(passwords_.title() + ": " + found.error().what, "4.3.0");
  if (!found.found()) co_return none;
  const std::string_view value = found.value();
  const size_t end = value.find(delimiter_);
  Account account;
  account.user = value.substr(0, end);
  if (end != std::string_view::npos) account.password = Secret(std::string(value.substr(end + delimiter_.size())));
  co_return std::optional<Account>(std::move(account));
}

std::optional<smtp::Reply> Accounts::refused(const std::string& host, const Account& account) {
  if (!remembers_) return std::nullopt;
  auto known = refusals_.find(host + '\n' + account_mark(account));
  if (known == refusals_.end()) return std::nullopt;
  if (monotonic_now() < known->second.until) return known->second.reply;
  refusals_.erase(known);
  return std::nullopt;
}

void Accounts::note_refusal(const std::string& host, const Account& account, const smtp::Reply& reply) {
  if (!remembers_) return;
  if (refusals_.size() >= kMostRefusals) refusals_.clear();
  refusals_[host + '\n' + account_mark(account)] = {reply, monotonic_now() + cache_time_};
}

std::string account_mark(const Account& account) {
  const Secret text(account.user + '\0' + std::string(account.password.reveal()));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.reveal().data(), text.reveal().size(), digest, &size, EVP_sha256(), nullptr);
  return hex_encode({reinterpret_cast<char*>(digest), size});
}

}  // namespace umaya::smtp_client
