#include "libcommon/table/maps.h"

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/table/settle.h"

namespace umaya::table {
namespace {

constexpr auto kRefreshPause = std::chrono::seconds(1);
constexpr auto kPauseAfterFailure = std::chrono::seconds(10);

Lookup ask(const std::shared_ptr<Table>& table, std::string_view key) {
  if (auto now = table->lookup_now(key)) return std::move(*now);
  return ask_answers(table, key);
}

}  // namespace

Maps Maps::open(const Options& options, std::string title, std::string_view list) {
  Maps out;
  out.options_ = options;
  out.title_ = std::move(title);
  for (std::string_view spec : split_list(list)) {
    if (auto inner = spec.front() == '{' ? split_list(spec.substr(1, spec.size() - 2)) : std::vector{spec};
        !inner.empty()) {
      out.tables_.push_back(open_or_failing(options, inner.front()));
    }
  }
  return out;
}

Lookup Maps::find(std::string_view key, KeyForm form) {
  if (key.empty()) return {};
  for (auto& table : tables_) {
    if (form == KeyForm::partial && table->matching() == Matching::pattern) continue;
    Lookup answer = ask(table, key);
    if (answer.missing()) continue;
    if (answer.found() && answer.value().empty()) {
      log::warning("{} lookup of {} returns an empty string result", title_, key);
      log::warning("{} should return NO RESULT in case of NOT FOUND", title_);
      return Lookup::failed(title_ + " lookup of " + std::string(key) + " returns an empty string result");
    }
    return answer;
  }
  return {};
}

bool Maps::changed() const {
  return std::any_of(tables_.begin(), tables_.end(), [](const auto& t) { return t->changed(); });
}

bool Maps::refresh() {
  if (tables_.empty()) return false;
  TimePoint now = monotonic_now();
  if (now < next_refresh_) return false;
  next_refresh_ = now + kRefreshPause;
  bool any = false;
  for (auto& table : tables_) {
    if (!table->changed()) continue;
    auto again = table::open(options_, table->name());
    if (!again) {
      log::warning("table {} has changed and cannot be opened again: {}", table->name(), again.error().what);
      next_refresh_ = now + kPauseAfterFailure;
      continue;
    }
    table = std::move(*again);
    any = true;
  }
  return any;
}

}  // namespace umaya::table
