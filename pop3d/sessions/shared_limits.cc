#include "pop3d/sessions/shared_limits.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libcommon/base/random.h"
#include "libcommon/fs/file.h"

namespace umaya::pop3d {

class SharedLimits::Lock {
 public:
  explicit Lock(int fd) : fd_(fd) {
    while (flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { flock(fd_, LOCK_UN); }

 private:
  int fd_;
};

namespace {

bool is_gone(int32_t pid) {
  return kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

SharedLimits::SharedLimits(Fd fd, Table* table)
    : fd_(std::move(fd)), table_(table), own_(static_cast<int32_t>(getpid())) {}

SharedLimits::~SharedLimits() {
  munmap(table_, sizeof(Table));
}

Result<std::unique_ptr<SharedLimits>> SharedLimits::open(const std::string& path) {
  UMAYA_TRY(Fd fd, fs::open_or_create(path, 0600));
  // open_or_create() opens for appending, which maps for reading only.
  Fd both(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!both) return sys_error(path);
  Lock lock(both.get());
  if (ftruncate(both.get(), sizeof(Table)) != 0) return sys_error(path);
  void* memory = mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED, both.get(), 0);
  if (memory == MAP_FAILED) return sys_error(path);
  auto* table = static_cast<Table*>(memory);
  if (table->seed == 0) table->seed = random_u64() | 1;
  std::unique_ptr<SharedLimits> limits(new SharedLimits(std::move(both), table));
  limits->forget_own();
  return limits;
}

/// An earlier process that had our number has left nothing that counts.
void SharedLimits::forget_own() {
  for (Slot& slot : table_->slots) {
    if (slot.owner == own_) slot = {};
  }
}

uint64_t SharedLimits::key_of(std::string_view kind, std::string_view user, std::string_view address) const {
  uint64_t hash = 14695981039346656037u ^ table_->seed;
  auto mix = [&](std::string_view text) {
    for (unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
    hash = (hash ^ 0xff) * 1099511628211u;
  };
  mix(kind);
  mix(user);
  mix(address);
  hash ^= hash >> 32;
  return hash == 0 ? 1 : hash;
}

/// The slot of a key and owner. make: a free one if there is none, else the one with the oldest time; nullptr when all
/// count sessions.
SharedLimits::Slot* SharedLimits::find(uint64_t key, int32_t owner, bool make) {
  Slot* room = nullptr;
  for (size_t i = 0; i < kReach; ++i) {
    Slot& slot = table_->slots[(key + i) % kSlots];
    if (slot.key == key && slot.owner == owner) return &slot;
    bool free = slot.key == 0 || (slot.owner != 0 && (slot.count == 0 || is_gone(slot.owner)));
    if (free) slot = {};
    bool better = room == nullptr || (room->key != 0 && (slot.key == 0 || slot.when < room->when));
    if (slot.owner == 0 && better) room = &slot;
  }
  if (!make || room == nullptr) return nullptr;
  *room = {key, 0, owner, 0};
  return room;
}

int SharedLimits::sessions_of(uint64_t key) {
  int sum = 0;
  for (size_t i = 0; i < kReach; ++i) {
    Slot& slot = table_->slots[(key + i) % kSlots];
    if (slot.key != key || slot.owner == 0) continue;
    if (slot.owner != own_ && is_gone(slot.owner)) {
      slot = {};
    } else {
      sum += static_cast<int>(slot.count);
    }
  }
  return sum;
}

Admission SharedLimits::admit(const Claim& claim, int64_t now) {
  Lock lock(fd_.get());
  uint64_t pair = key_of("session", claim.user, claim.address);
  if (claim.most_sessions > 0 && sessions_of(pair) >= claim.most_sessions) return Admission::too_many;
  if (claim.delay > Duration::zero()) {
    int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(claim.delay).count();
    Slot* last = find(key_of("login", claim.user, ""), 0, true);
    // A time in the future is that of a clock that was set back.
    if (last != nullptr && last->when <= now && now - last->when < seconds) return Admission::too_soon;
    if (last != nullptr) last->when = now;
  }
  if (claim.most_sessions > 0) {
    if (Slot* slot = find(pair, own_, true)) ++slot->count;
  }
  return Admission::admitted;
}

void SharedLimits::release(std::string_view user, std::string_view address) {
  Lock lock(fd_.get());
  Slot* slot = find(key_of("session", user, address), own_, false);
  if (slot != nullptr && slot->count > 0) --slot->count;
}

}  // namespace umaya::pop3d
