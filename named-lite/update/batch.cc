#include "named-lite/update/batch.h"

#include "named-lite/answer/query.h"
#include "named-lite/zone/change_image.h"
#include "named-lite/zone/merge_changes.h"

namespace umaya::named {

namespace {

/// All that would have changed the zone have failed; who asked for nothing new is answered as before.
void fail_changes(BatchResult& result, std::string why) {
  for (BatchResult::Answer& answer : result.answers) {
    if (answer.rcode == rcode::kNoError && answer.serial != 0) answer = {rcode::kServFail, why, 0, 0, 0};
  }
  result.error = std::move(why);
  result.image = nullptr;
}

}  // namespace

BatchResult run_batch(const std::shared_ptr<const ZoneImage>& before, const std::vector<BatchItem>& items,
                      const UpdateRules& rules, Journal& journal, const ZoneId& zone, uint64_t most_journal,
                      int64_t now) {
  BatchResult result;
  ZoneEdit edit(*before);
  std::vector<ZoneChange> steps;
  for (const BatchItem& item : items) {
    UpdateResult done = apply_update(edit, *item.update, item.client, rules, now);
    BatchResult::Answer answer;
    answer.rcode = done.rcode;
    answer.why = std::move(done.why);
    if (done.change) {
      answer.serial = done.change->to_serial;
      answer.removed = done.change->removed.size();
      answer.added = done.change->added.size();
      steps.push_back(std::move(*done.change));
    }
    result.answers.push_back(std::move(answer));
  }
  if (steps.empty()) return result;
  // The image first: what cannot be served must not be in the journal.
  ZoneChange change = merge_changes(steps);
  auto image = apply_change(before, change);
  if (!image) {
    fail_changes(result, image.error().what);
    return result;
  }
  if (auto written = journal.append(zone, steps, most_journal); !written) {
    fail_changes(result, written.error().what);
    return result;
  }
  result.image = std::move(*image);
  result.change = std::move(change);
  return result;
}

}  // namespace umaya::named
