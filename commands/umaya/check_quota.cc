// check: limits of mailboxes that nobody could read, before mail waits for them.
#include <algorithm>

#include "commands/umaya/commands.h"
#include "libcommon/base/strings.h"
#include "libcommon/config/check.h"
#include "libcommon/mailbox/quota_limits.h"
#include "libcommon/table/open.h"

namespace umaya::commands {

namespace {

using config::Finding;
using config::Severity;

constexpr size_t kMostFindings = 20;
/// Tables that can be read from end to end.
constexpr std::string_view kReadable[] = {"texthash", "inline", "hash", "btree", "lmdb", "cdb"};

class QuotaCheck {
 public:
  QuotaCheck(const config::Config& config, std::vector<Finding>& out) : config_(config), out_(out) {}
  void check_default(std::string_view name);
  void check_tables(std::string_view name);

 private:
  void check_value(std::string_view name, std::string_view key, std::string_view value);

  const config::Config& config_;
  std::vector<Finding>& out_;
};

void QuotaCheck::check_value(std::string_view name, std::string_view key, std::string_view value) {
  auto limits = mailbox::parse_quota_value(value);
  if (limits || out_.size() >= kMostFindings) return;
  std::string where = config_.where(name) + (key.empty() ? "" : ": " + printable(key, true));
  out_.push_back({Severity::warning, where + ": " + limits.error().what + "; mail waits until then"});
}

void QuotaCheck::check_default(std::string_view name) {
  std::string value = config_.get(name);
  if (!value.empty()) check_value(name, "", value);
}

void QuotaCheck::check_tables(std::string_view name) {
  for (std::string_view spec : config_.get_list(name)) {
    if (spec.starts_with("proxy:")) spec.remove_prefix(6);
    std::string_view type = spec.substr(0, spec.find(':'));
    if (type == "static") {
      check_value(name, spec, spec.substr(std::min(spec.size(), type.size() + 1)));
    }
    if (std::find(std::begin(kReadable), std::end(kReadable), type) == std::end(kReadable)) continue;
    auto table = table::open(table::options_from(config_), spec);
    if (!table) continue;  // said elsewhere
    std::string title(spec);
    (void)(*table)->for_each([&](std::string_view key, std::string_view value) {
      check_value(name, title + ": " + std::string(key), value);
    });
  }
}

}  // namespace

std::vector<Finding> check_quota(const config::Config& config) {
  std::vector<Finding> out;
  QuotaCheck check(config, out);
  check.check_default("mailbox_quota");
  check.check_default("virtual_mailbox_quota");
  check.check_tables("mailbox_quota_maps");
  check.check_tables("virtual_mailbox_limit_maps");
  return out;
}

}  // namespace umaya::commands
