// unix:passwd.byname and unix:group.byname: the users of this instance (users.h) and the groups of the system.
#include <grp.h>

#include "libcommon/base/users.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

std::string group_line(const group& entry) {
  std::string out = std::string(entry.gr_name) + ":" + entry.gr_passwd + ":" + std::to_string(entry.gr_gid) + ":";
  for (char** member = entry.gr_mem; *member != nullptr; ++member) {
    if (member != entry.gr_mem) out += ",";
    out += *member;
  }
  return out;
}

Lookup ask_passwd(const std::string& key) {
  auto user = find_user_entry(key);
  if (!user) return Lookup::failed(user.error());
  return *user ? Lookup::of(passwd_line(**user)) : Lookup();
}

/// getgrnam_r with a buffer that grows until the entry fits.
Lookup ask_group(const std::string& table, const std::string& key) {
  constexpr size_t kLargest = size_t{1} << 20;
  std::string buffer(4096, '\0');
  for (;;) {
    group entry{};
    group* result = nullptr;
    int error = getgrnam_r(key.c_str(), &entry, buffer.data(), buffer.size(), &result);
    if (result != nullptr) return Lookup::of(group_line(entry));
    if (error == ERANGE && buffer.size() < kLargest) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    bool says_no = error == 0 || error == ENOENT || error == ESRCH;
    if (says_no) return Lookup();
    return Lookup::failed(Error{ErrorKind::temporary, error, table + " lookup error: " + strerror(error), {}});
  }
}

class UnixTable : public Table {
 public:
  enum class Database : unsigned char { passwd, group };
  UnixTable(std::string name, CaseRule fold, Database database)
      : Table(std::move(name)), fold_(fold), database_(database) {}
  std::optional<Lookup> lookup_now(std::string_view key) override {
    std::string folded{FoldedKey(key, fold_).view()};
    if (database_ == Database::passwd) return ask_passwd(folded);
    return ask_group(name(), folded);
  }

 private:
  CaseRule fold_;
  Database database_;
};

}  // namespace

Opened open_unix(const Options& options, std::string name) {
  auto make = [&](UnixTable::Database database) { return std::make_unique<UnixTable>(name, options.fold, database); };
  if (name.ends_with(":passwd.byname")) return make(UnixTable::Database::passwd);
  if (name.ends_with(":group.byname")) return make(UnixTable::Database::group);
  return permanent("unknown table: " + name + " (unix:passwd.byname and unix:group.byname exist)");
}

}  // namespace umaya::table
