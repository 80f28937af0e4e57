#include "named-lite/logging/log_sender.h"

#include <ctime>

#include "libcommon/ipc/codec.h"

namespace umaya::named {

static constexpr size_t kPerRecord = 24;  // octets around a text

int64_t log_time() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

void LogSender::add(LogRecord record) {
  size_t size = record.text.size() + kPerRecord;
  if (octets_ + size > LogBatch::kMostOctets) send();
  if (octets_ + size > LogBatch::kMostOctets) {
    ++batch_.dropped;
    return;
  }
  octets_ += size;
  batch_.records.push_back(std::move(record));
  if (!clock_.armed()) clock_.arm(kLatest);
}

void LogSender::taken() {
  if (untaken_ > 0) --untaken_;
}

void LogSender::restart() {
  untaken_ = 0;
}

/// What cannot go now waits; beyond the room of one batch it is dropped.
void LogSender::send() {
  clock_.cancel();
  if (batch_.records.empty()) return;
  if (untaken_ >= LogBatch::kMostUntaken || !post_(ipc::encode(batch_))) {
    clock_.arm(kLatest);
    return;
  }
  ++untaken_;
  batch_ = {};
  octets_ = 0;
}

}  // namespace umaya::named
