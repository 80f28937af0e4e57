#include "named-lite/update/journal.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <ctime>
#include <thread>

#include "libcommon/base/clock.h"
#include "libcommon/fs/file.h"
#include "named-lite/update/journal_pages.h"

namespace umaya::named {

namespace {

constexpr unsigned kFileMode = 0640;
constexpr size_t kMostViewName = 200;
constexpr uint64_t kStateKey = 0;  // steps are numbered from 1

std::string key_of(const ZoneId& zone, uint64_t number) {
  std::string key = zone.view.substr(0, kMostViewName);
  key.push_back('\0');
  key += zone.zone;
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
  return key;
}

MDB_val value_of(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

/// Seconds since 1970 at which this host was started.
int64_t boot_time() {
  timespec up{};
  return clock_gettime(CLOCK_BOOTTIME, &up) == 0 ? wall_seconds() - up.tv_sec : wall_seconds();
}

/// What this host has written since it was started is there: the kernel has it, whatever processes did.
bool may_lack_pages(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || status.st_size == 0) return false;
  constexpr int64_t kMargin = 60;
  return status.st_mtime <= boot_time() + kMargin || !has_all_pages(fd);
}

}  // namespace

/// One transaction; it is given up unless commit() was called.
class Journal::Transaction {
 public:
  Transaction(Journal& journal, unsigned flags) : journal_(journal), access_(journal.access_) {
    error_ = journal.env_ ? mdb_txn_begin(journal.env_.get(), nullptr, flags, &txn_) : MDB_PANIC;
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }

  Result<> begun() const {
    if (error_ != 0) return journal_.failed(error_);
    return {};
  }
  /// Valid until the transaction ends or changes something; nothing when there is no such entry.
  Result<std::optional<std::string_view>> get(const std::string& key) {
    MDB_val k = value_of(key);
    MDB_val v{};
    int error = mdb_get(txn_, journal_.steps_, &k, &v);
    if (error == MDB_NOTFOUND) return std::nullopt;
    if (error != 0) return journal_.failed(error);
    return std::string_view(static_cast<const char*>(v.mv_data), v.mv_size);
  }
  Result<> put(const std::string& key, std::string_view value) {
    MDB_val k = value_of(key);
    MDB_val v = value_of(value);
    if (int error = mdb_put(txn_, journal_.steps_, &k, &v, 0); error != 0) return journal_.failed(error);
    return {};
  }
  Result<> remove(const std::string& key) {
    MDB_val k = value_of(key);
    int error = mdb_del(txn_, journal_.steps_, &k, nullptr);
    if (error != 0 && error != MDB_NOTFOUND) return journal_.failed(error);
    return {};
  }
  Result<> commit() {
    if (int error = mdb_txn_commit(std::exchange(txn_, nullptr)); error != 0) return journal_.failed(error);
    return {};
  }

  Result<std::optional<JournalState>> state(const ZoneId& zone) {
    UMAYA_TRY(auto octets, get(key_of(zone, kStateKey)));
    if (!octets) return std::nullopt;
    UMAYA_TRY(JournalState state, decode_state(*octets));
    return state;
  }
  Result<> put_state(const ZoneId& zone, const JournalState& state) {
    return put(key_of(zone, kStateKey), encode_state(state));
  }
  /// A step that the state says is there.
  Result<std::string_view> step(const ZoneId& zone, uint64_t number) {
    UMAYA_TRY(auto octets, get(key_of(zone, number)));
    if (!octets) return permanent("the journal is damaged: a step is missing");
    return *octets;
  }
  /// The step that begins at a serial, the last one of them; next_step when the journal ends there; 0 when none does.
  Result<uint64_t> step_from(const ZoneId& zone, const JournalState& state, uint32_t serial, uint64_t most_octets) {
    if (state.last_serial == serial) return state.next_step;
    uint64_t octets = 0;
    for (uint64_t n = state.next_step; n-- > state.first_step;) {
      UMAYA_TRY(std::string_view bytes, step(zone, n));
      octets += bytes.size();
      if (octets > most_octets) return 0;
      UMAYA_TRY(StepSerials serials, decode_serials(bytes));
      if (serials.from == serial) return n;
    }
    return 0;
  }
  Result<> drop_first(const ZoneId& zone, JournalState& state) {
    UMAYA_TRY(std::string_view bytes, step(zone, state.first_step));
    UMAYA_TRY(StepSerials serials, decode_serials(bytes));
    state.octets -= std::min<uint64_t>(state.octets, bytes.size());
    state.first_serial = serials.to;
    return remove(key_of(zone, state.first_step++));
  }

 private:
  Journal& journal_;
  std::shared_lock<std::shared_mutex> access_;
  MDB_txn* txn_ = nullptr;
  int error_ = 0;
};

std::unexpected<Error> Journal::failed(int error) const {
  return temporary("journal " + path_ + ": " + mdb_strerror(error));
}

Result<> Journal::open_env() {
  MDB_env* env = nullptr;
  if (int error = mdb_env_create(&env); error != 0) return failed(error);
  env_.reset(env);
  mdb_env_set_mapsize(env, kMostOctets);
  if (int error = mdb_env_open(env, path_.c_str(), MDB_NOSUBDIR | MDB_NOTLS, kFileMode); error != 0) {
    env_.reset();
    return failed(error);
  }
  MDB_txn* txn = nullptr;
  int error = mdb_txn_begin(env, nullptr, 0, &txn);
  if (error == 0) error = mdb_dbi_open(txn, nullptr, 0, &steps_);
  if (txn != nullptr && error != 0) mdb_txn_abort(txn);
  if (error == 0) error = mdb_txn_commit(txn);
  if (error == 0) return {};
  env_.reset();
  return failed(error);
}

Result<> Journal::lock_file(std::chrono::milliseconds patience) {
  lock_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!lock_) return sys_error("open the journal " + path_);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  constexpr std::chrono::milliseconds kPause{20};
  for (; fcntl(lock_.get(), F_OFD_SETLK, &lock) != 0; patience -= kPause) {
    if (patience <= kPause) return temporary("journal " + path_ + ": another process has it open");
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

Result<> Journal::put_aside_when_damaged(std::chrono::milliseconds patience) {
  if (!may_lack_pages(lock_.get())) return {};
  std::string damage = page_damage_in(lock_.get());
  if (damage.empty()) return {};
  std::string aside = path_ + ".damaged-" + std::to_string(wall_seconds());
  if (::rename(path_.c_str(), aside.c_str()) != 0) return sys_error("the journal is damaged; rename " + path_);
  damage_ = "the journal " + path_ + " is damaged (" + damage + "), as after a power cut on a disk that had not " +
            "written what it said: it is put aside as " + aside;
  return lock_file(patience);
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, std::chrono::milliseconds patience) {
  std::unique_ptr<Journal> journal(new Journal(path));
  UMAYA_CHECK(journal->lock_file(patience));
  UMAYA_CHECK(journal->put_aside_when_damaged(patience));
  UMAYA_CHECK(journal->open_env());
  UMAYA_CHECK(fs::sync_directory(fs::parent_directory(path)));
  return journal;
}

template <class Work>
Result<> Journal::write(Work work) {
  std::lock_guard<std::mutex> alone(writer_);
  Result<> done;
  {
    Transaction txn(*this, 0);
    UMAYA_CHECK(txn.begun());
    UMAYA_CHECK(work(txn));
    done = txn.commit();
  }
  if (done) return done;
  // LMDB takes no more transactions once it could not write its root: what is on the disk is read anew.
  std::unique_lock<std::shared_mutex> nobody_reads(access_);
  env_.reset();
  (void)open_env();  // when this fails, so does the next transaction
  return done;
}

Result<std::optional<JournalState>> Journal::state(const ZoneId& zone) {
  Transaction txn(*this, MDB_RDONLY);
  UMAYA_CHECK(txn.begun());
  return txn.state(zone);
}

bool Journal::is_ahead_of_file(const ZoneId& zone) {
  auto known = state(zone);
  return known && *known && (*known)->file_step != (*known)->next_step;
}

Result<> Journal::append(const ZoneId& zone, std::span<const ZoneChange> steps, uint64_t most_octets) {
  if (steps.empty()) return {};
  if (zone.view.size() > kMostViewName) return permanent("the name of view " + zone.view + " is too long");
  return write([&](Transaction& txn) -> Result<> {
    UMAYA_TRY(auto before, txn.state(zone));
    JournalState state = before.value_or(JournalState{});
    if (!before) state.first_serial = state.last_serial = state.file_serial = steps.front().from_serial;
    for (const ZoneChange& step : steps) {
      if (step.from_serial != state.last_serial) {
        return permanent("the journal ends at serial " + std::to_string(state.last_serial) + ", the change begins at " +
                         std::to_string(step.from_serial));
      }
      std::string octets = encode_step(step);
      UMAYA_CHECK(txn.put(key_of(zone, state.next_step++), octets));
      state.octets += octets.size();
      state.last_serial = step.to_serial;
    }
    while (state.octets > most_octets && state.first_step < state.file_step) {
      UMAYA_CHECK(txn.drop_first(zone, state));
    }
    return txn.put_state(zone, state);
  });
}

Result<std::optional<std::vector<ZoneChange>>> Journal::since(const ZoneId& zone, uint32_t serial,
                                                              uint64_t most_octets) {
  Transaction txn(*this, MDB_RDONLY);
  UMAYA_CHECK(txn.begun());
  UMAYA_TRY(auto state, txn.state(zone));
  if (!state) return std::nullopt;
  UMAYA_TRY(uint64_t first, txn.step_from(zone, *state, serial, most_octets));
  if (first == 0) return std::nullopt;
  std::vector<ZoneChange> steps;
  for (uint64_t n = first; n < state->next_step; ++n) {
    UMAYA_TRY(std::string_view octets, txn.step(zone, n));
    UMAYA_TRY(ZoneChange step, decode_step(octets));
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<> Journal::file_written(const ZoneId& zone, uint32_t serial) {
  return write([&](Transaction& txn) -> Result<> {
    UMAYA_TRY(auto state, txn.state(zone));
    if (!state) return {};
    UMAYA_TRY(uint64_t step, txn.step_from(zone, *state, serial, UINT64_MAX));
    if (step == 0) return permanent("the journal does not know serial " + std::to_string(serial));
    state->file_step = step;
    state->file_serial = serial;
    return txn.put_state(zone, *state);
  });
}

Result<> Journal::clear(const ZoneId& zone) {
  return write([&](Transaction& txn) -> Result<> {
    UMAYA_TRY(auto state, txn.state(zone));
    if (!state) return {};
    for (uint64_t n = state->first_step; n < state->next_step; ++n) UMAYA_CHECK(txn.remove(key_of(zone, n)));
    return txn.remove(key_of(zone, kStateKey));
  });
}

}  // namespace umaya::named
