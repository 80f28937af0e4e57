// lmdb tables: NAME.lmdb, read in place while others may write.
#include <sys/stat.h>

#include "libcommon/table/lmdb_env.h"
#include "libcommon/table/trailing_null.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

constexpr size_t kLmdbMaxKey = 511;

MDB_val to_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
std::string_view from_val(const MDB_val& v) {
  return {static_cast<const char*>(v.mv_data), v.mv_size};
}

class LmdbTable : public Table {
 public:
  LmdbTable(std::string name, CaseRule fold, std::string path, LmdbEnv env)
      : Table(std::move(name)), fold_(fold), path_(std::move(path)), env_(std::move(env)) {
    struct stat st {};
    if (fstat(env_.lock_fd(), &st) == 0) inode_ = st.st_ino, device_ = st.st_dev;
  }

  std::optional<Lookup> lookup_now(std::string_view key) override {
    FoldedKey folded(key, fold_);
    if (folded.view().empty() || folded.view().size() >= kLmdbMaxKey) return Lookup();
    std::optional<Lookup> answer;
    ByteLock lock(env_.lock_fd(), kReaderByte, ByteLock::Kind::shared);
    int error = begin();
    if (error != 0) return Lookup::failed(lmdb_error(path_, error).error());
    bool found = nulls_.find(folded.view(), [&](std::string_view bytes) {
      MDB_val k = to_val(bytes), v{};
      if (error == 0) error = mdb_get(txn_.get(), dbi_, &k, &v);
      if (error == 0) answer = Lookup::of(std::string(TrailingNull::strip(from_val(v))));
      bool hit = error == 0;
      if (error == MDB_NOTFOUND) error = 0;
      return hit;
    });
    mdb_txn_reset(txn_.get());
    if (error != 0) return Lookup::failed(lmdb_error(path_, error).error());
    return found ? std::move(*answer) : Lookup();
  }

  bool changed() const override {
    struct stat st {};
    return stat(path_.c_str(), &st) != 0 || st.st_ino != inode_ || st.st_dev != device_;
  }

  Result<> for_each(const std::function<void(std::string_view, std::string_view)>& fn) override {
    ByteLock lock(env_.lock_fd(), kReaderByte, ByteLock::Kind::shared);
    if (int error = begin(); error != 0) return lmdb_error(path_, error);
    MDB_cursor* raw = nullptr;
    int error = mdb_cursor_open(txn_.get(), dbi_, &raw);
    LmdbCursor cursor(raw);
    MDB_val key{}, value{};
    while (error == 0 && (error = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT)) == 0) {
      fn(TrailingNull::strip(from_val(key)), TrailingNull::strip(from_val(value)));
    }
    cursor.reset();
    mdb_txn_reset(txn_.get());
    if (error != MDB_NOTFOUND) return lmdb_error(path_, error);
    return {};
  }

 private:
  /// A read transaction on the last committed state, in txn_; 0 or LMDB's error.
  int begin() {
    int error = txn_ ? mdb_txn_renew(txn_.get()) : first_transaction();
    if (error != MDB_MAP_RESIZED) return error;
    txn_.reset();
    error = mdb_env_set_mapsize(env_.get(), 0);
    return error != 0 ? error : first_transaction();
  }
  int first_transaction() {
    MDB_txn* raw = nullptr;
    if (int error = mdb_txn_begin(env_.get(), nullptr, MDB_RDONLY, &raw); error != 0) return error;
    txn_.reset(raw);
    return mdb_dbi_open(raw, nullptr, 0, &dbi_);
  }

  CaseRule fold_;
  std::string path_;
  LmdbEnv env_;
  LmdbTxn txn_;
  MDB_dbi dbi_ = 0;
  TrailingNull nulls_;
  uint64_t inode_ = 0, device_ = 0;
};

}  // namespace

Opened open_lmdb(const Options& options, std::string name) {
  std::string path = name.substr(name.find(':') + 1) + ".lmdb";
  UMAYA_TRY(auto env, LmdbEnv::open(path, LmdbMode::read, 0, 0));
  return std::make_unique<LmdbTable>(std::move(name), options.fold, std::move(path), std::move(env));
}

}  // namespace umaya::table
