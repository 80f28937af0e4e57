#include "named-lite/logging/category.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace umaya::named {

namespace {

/// In the order of Category.
constexpr std::array<std::string_view, kCategories> kTexts = {
    "general",  "config", "zoneload", "queries",         "query-errors", "security",     "xfer-in",
    "xfer-out", "notify", "update",   "update-security", "resolver",     "lame-servers", "rate-limit",
};

constexpr std::string_view kEmpty[] = {
    "client",
    "cname",
    "cookie",
    "database",
    "delegation-only",
    "dispatch",
    "dnssec",
    "dnstap",
    "edns-disabled",
    "network",
    "nsid",
    "responses",
    "rpz",
    "rpz-passthru",
    "serve-stale",
    "spill",
    "sslkeylog",
    "trust-anchor-telemetry",
    "unmatched",
};

thread_local Category current = Category::general;

}  // namespace

std::string_view category_text(Category category) {
  return kTexts[static_cast<size_t>(category)];
}

std::optional<Category> category_from_text(std::string_view text) {
  const auto* found = std::find(kTexts.begin(), kTexts.end(), text);
  if (found == kTexts.end()) return std::nullopt;
  return static_cast<Category>(found - kTexts.begin());
}

bool is_empty_category(std::string_view text) {
  return std::find(std::begin(kEmpty), std::end(kEmpty), text) != std::end(kEmpty);
}

Category current_category() {
  return current;
}

CategoryScope::CategoryScope(Category category) : before_(std::exchange(current, category)) {}

CategoryScope::~CategoryScope() {
  current = before_;
}

}  // namespace umaya::named
