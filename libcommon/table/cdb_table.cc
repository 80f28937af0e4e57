// cdb tables: NAME.cdb, never changed in place.
#include <cdb.h>
#include <fcntl.h>

#include "libcommon/base/fd.h"
#include "libcommon/table/trailing_null.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

class CdbTable : public Table {
 public:
  CdbTable(std::string name, CaseRule fold, std::string path, Fd fd)
      : Table(std::move(name)), fold_(fold), path_(std::move(path)), fd_(std::move(fd)) {}
  ~CdbTable() override {
    if (ready_) cdb_free(&cdb_);
  }

  Result<> map() {
    identity_ = FileIdentity::of(path_);
    if (cdb_init(&cdb_, fd_.get()) != 0) return sys_error("open database " + path_ + ": not a CDB file");
    ready_ = true;
    return {};
  }

  std::optional<Lookup> lookup_now(std::string_view key) override {
    FoldedKey folded(key, fold_);
    bool broken = false;
    bool found = nulls_.find(folded.view(), [&](std::string_view bytes) {
      int answer = cdb_find(&cdb_, bytes.data(), static_cast<unsigned>(bytes.size()));
      broken = broken || answer < 0;
      return answer > 0;
    });
    if (!found && broken) return Lookup::failed("error reading " + path_ + ": broken CDB file");
    if (!found) return Lookup();
    const void* data = cdb_getdata(&cdb_);
    if (data == nullptr) return Lookup::failed("error reading " + path_ + ": broken CDB file");
    std::string_view value(static_cast<const char*>(data), cdb_datalen(&cdb_));
    return Lookup::of(std::string(TrailingNull::strip(value)));
  }

  bool changed() const override { return !(FileIdentity::of(path_) == identity_); }

  Result<> for_each(const std::function<void(std::string_view, std::string_view)>& fn) override {
    unsigned position = 0;
    cdb_seqinit(&position, &cdb_);
    int more = 0;
    while ((more = cdb_seqnext(&position, &cdb_)) > 0) {
      const auto* key_bytes = static_cast<const char*>(cdb_getkey(&cdb_));
      const auto* value_bytes = static_cast<const char*>(cdb_getdata(&cdb_));
      if (key_bytes == nullptr || value_bytes == nullptr) {  // the entry lies outside the file
        more = -1;
        break;
      }
      std::string_view key(key_bytes, cdb_keylen(&cdb_));
      std::string_view value(value_bytes, cdb_datalen(&cdb_));
      fn(TrailingNull::strip(key), TrailingNull::strip(value));
    }
    if (more < 0) return temporary("error reading " + path_ + ": broken CDB file");
    return {};
  }

 private:
  CaseRule fold_;
  std::string path_;
  Fd fd_;
  cdb cdb_{};
  bool ready_ = false;
  FileIdentity identity_;
  TrailingNull nulls_;
};

}  // namespace

Opened open_cdb(const Options& options, std::string name) {
  std::string path = name.substr(name.find(':') + 1) + ".cdb";
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return sys_error("open database " + path);
  auto table = std::make_unique<CdbTable>(std::move(name), options.fold, std::move(path), std::move(fd));
  UMAYA_CHECK(table->map());
  return table;
}

}  // namespace umaya::table
