#include "libcommon/table/writer.h"

#include <cdb.h>
#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <vector>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"
#include "libcommon/table/lmdb_env.h"
#include "libcommon/table/open.h"
#include "libcommon/table/trailing_null.h"

namespace umaya::table {
namespace {

constexpr size_t kLmdbMaxKey = 511;

std::string stored_form(std::string_view text, Termination termination) {
  std::string out(text);
  if (termination == Termination::with_null) out += '\0';
  return out;
}

MDB_val to_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

/// Entries wait in memory; commit() replays them in one transaction, again with a larger map when it was too small.
class LmdbWriter : public TableWriter {
 public:
  LmdbWriter(std::string name, std::string path, const WriterOptions& options)
      : TableWriter(std::move(name)), path_(std::move(path)), options_(options) {}

  Result<> prepare() {
    if (options_.mode == WriteMode::rebuild || ::access(path_.c_str(), F_OK) != 0) return {};
    Options read;
    read.fold = CaseRule::keep;
    std::string base = path_.substr(0, path_.size() - std::string_view(".lmdb").size());
    UMAYA_TRY(existing_, table::open(read, "lmdb:" + base));
    return {};
  }
  Result<bool> put(std::string_view key, std::string_view value) override {
    UMAYA_TRY(bool there, exists(key));
    if (there) return false;
    UMAYA_CHECK(replace(key, value));
    return true;
  }
  Result<> replace(std::string_view key, std::string_view value) override {
    return replace_as_is(FoldedKey(key, options_.fold).view(), value);
  }
  Result<> replace_as_is(std::string_view key, std::string_view value) override {
    if (stored_form(key, options_.termination).size() > kLmdbMaxKey) {
      return permanent("error updating " + name() +
                       ": MDB_BAD_VALSIZE: key is longer than 511 bytes: " + std::string(key.substr(0, 60)) + "...");
    }
    changes_[std::string(key)] = std::string(value);
    return {};
  }
  Result<bool> remove(std::string_view key) override {
    UMAYA_TRY(bool there, exists(key));
    if (there) changes_[std::string(FoldedKey(key, options_.fold).view())] = std::nullopt;
    return there;
  }
  Result<> commit() override;

 private:
  Result<bool> exists(std::string_view key) {
    FoldedKey folded(key, options_.fold);
    if (auto changed = changes_.find(folded.view()); changed != changes_.end()) return changed->second.has_value();
    if (!existing_) return false;
    auto answer = existing_->lookup_now(folded.view());
    if (answer->is_error()) return std::unexpected(answer->error());
    return answer->found();
  }
  int replay(MDB_txn* txn, MDB_dbi dbi);
  int write_all(MDB_env* env);

  std::string path_;
  WriterOptions options_;
  std::unique_ptr<Table> existing_;
  StringMap<std::optional<std::string>> changes_;  // nothing: removed
};

int LmdbWriter::replay(MDB_txn* txn, MDB_dbi dbi) {
  if (options_.mode == WriteMode::rebuild) {
    if (int error = mdb_drop(txn, dbi, 0); error != 0) return error;
  }
  for (const auto& [key, value] : changes_) {
    // Whatever form the old entry has, it goes.
    for (Termination form : {Termination::with_null, Termination::without_null}) {
      std::string bytes = stored_form(key, form);
      MDB_val k = to_val(bytes);
      if (options_.mode == WriteMode::rebuild || bytes.empty() || bytes.size() > kLmdbMaxKey) continue;
      int error = mdb_del(txn, dbi, &k, nullptr);
      if (error != 0 && error != MDB_NOTFOUND) return error;
    }
    if (!value) continue;
    std::string key_bytes = stored_form(key, options_.termination);
    std::string value_bytes = stored_form(*value, options_.termination);
    MDB_val k = to_val(key_bytes), v = to_val(value_bytes);
    if (int error = mdb_put(txn, dbi, &k, &v, 0); error != 0) return error;
  }
  return 0;
}

int LmdbWriter::write_all(MDB_env* env) {
  MDB_txn* raw = nullptr;
  if (int error = mdb_txn_begin(env, nullptr, 0, &raw); error != 0) return error;
  LmdbTxn txn(raw);
  MDB_dbi dbi = 0;
  if (int error = mdb_dbi_open(raw, nullptr, 0, &dbi); error != 0) return error;
  if (int error = replay(raw, dbi); error != 0) return error;
  return mdb_txn_commit(txn.release());
}

Result<> LmdbWriter::commit() {
  existing_.reset();
  bool is_new = ::access(path_.c_str(), F_OK) != 0;
  size_t size = options_.map_size;
  for (;;) {
    UMAYA_TRY(LmdbEnv env, LmdbEnv::open(path_, LmdbMode::write, options_.file_mode, size));
    ByteLock writing(env.lock_fd(), kWriterByte, ByteLock::Kind::exclusive);
    if (!writing) return sys_error("lock " + path_);
    { ByteLock readers_of_older_states(env.lock_fd(), kReaderByte, ByteLock::Kind::exclusive); }
    int error = write_all(env.get());
    if (error == 0) break;
    if (error != MDB_MAP_FULL) {
      return temporary("error updating " + name() + ": " + mdb_strerror(error));
    }
    MDB_envinfo info{};
    mdb_env_info(env.get(), &info);
    size = info.me_mapsize * 2;
  }
  changes_.clear();
  return is_new ? fs::sync_directory(fs::parent_directory(path_)) : Result<>{};
}

/// Written to a temporary file beside the table.
class CdbWriter : public TableWriter {
 public:
  CdbWriter(std::string name, std::string path, const WriterOptions& options)
      : TableWriter(std::move(name)), path_(std::move(path)), temporary_(path_ + ".tmp"), options_(options) {}
  ~CdbWriter() override {
    if (fd_) ::unlink(temporary_.c_str());
  }

  Result<> prepare() {
    // O_TRUNC only after the lock: another writer may be at work on the same temporary file.
    fd_.reset(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, options_.file_mode));
    if (!fd_) return sys_error("create database " + temporary_);
    ByteLock probe(fd_.get(), kWriterByte, ByteLock::Kind::exclusive);
    if (!probe || ::ftruncate(fd_.get(), 0) != 0) return sys_error("lock " + temporary_);
    if (cdb_make_start(&make_, fd_.get()) != 0) return sys_error("write " + temporary_);
    return {};
  }
  Result<bool> put(std::string_view key, std::string_view value) override {
    std::string folded{FoldedKey(key, options_.fold).view()};
    if (!keys_.try_emplace(folded, true).second) return false;
    std::string k = stored_form(folded, options_.termination), v = stored_form(value, options_.termination);
    if (cdb_make_add(&make_, k.data(), static_cast<unsigned>(k.size()), v.data(), static_cast<unsigned>(v.size())) !=
        0) {
      return sys_error("write " + temporary_);
    }
    return true;
  }
  Result<> replace(std::string_view key, std::string_view value) override {
    return replace_as_is(FoldedKey(key, options_.fold).view(), value);
  }
  Result<> replace_as_is(std::string_view key, std::string_view value) override {
    keys_.try_emplace(std::string(key), true);
    std::string k = stored_form(key, options_.termination), v = stored_form(value, options_.termination);
    int result = cdb_make_put(&make_, k.data(), static_cast<unsigned>(k.size()), v.data(),
                              static_cast<unsigned>(v.size()), CDB_PUT_REPLACE);
    if (result < 0) return sys_error("write " + temporary_);
    return {};
  }
  Result<bool> remove(std::string_view) override {
    return permanent(name() + ": cdb tables do not support entry deletion; rebuild the table instead");
  }
  Result<> commit() override {
    if (cdb_make_finish(&make_) != 0) return sys_error("write " + temporary_);
    UMAYA_CHECK(fs::sync(fd_.get()));
    UMAYA_CHECK(fs::rename(temporary_, path_));
    fd_.reset();
    return fs::sync_directory(fs::parent_directory(path_));
  }

 private:
  std::string path_, temporary_;
  WriterOptions options_;
  Fd fd_;
  cdb_make make_{};
  StringMap<bool> keys_;
};

}  // namespace

bool can_be_written(std::string_view type) {
  std::string_view real = real_type(type);
  return real == "lmdb" || real == "cdb";
}

Result<std::unique_ptr<TableWriter>> TableWriter::open(std::string_view type_and_name, const WriterOptions& options) {
  size_t colon = type_and_name.find(':');
  std::string type{real_type(type_and_name.substr(0, colon))};
  std::string path{type_and_name.substr(colon + 1)};
  auto names = type_names();
  if (!can_be_written(type)) {
    for (std::string_view known : names) {
      if (known == type) {
        return permanent("unsupported dictionary type: " + type + " does not support bulk-mode creation.");
      }
    }
    return permanent("unsupported dictionary type: " + type);
  }
  std::string name = type + ":" + path;
  if (type == "lmdb") {
    auto writer = std::make_unique<LmdbWriter>(name, path + ".lmdb", options);
    UMAYA_CHECK(writer->prepare());
    return writer;
  }
  if (options.mode == WriteMode::change) {
    return permanent(name + ": cdb tables cannot be changed; rebuild the table from its source instead");
  }
  auto writer = std::make_unique<CdbWriter>(name, path + ".cdb", options);
  UMAYA_CHECK(writer->prepare());
  return writer;
}

}  // namespace umaya::table
