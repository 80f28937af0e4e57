// unix:passwd.byname and unix:group.byname: the system's account databases, through NSS.
#include <grp.h>
#include <pwd.h>

#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

std::string passwd_line(const passwd& entry) {
  return std::string(entry.pw_name) + ":" + entry.pw_passwd + ":" + std::to_string(entry.pw_uid) + ":" +
         std::to_string(entry.pw_gid) + ":" + entry.pw_gecos + ":" + entry.pw_dir + ":" + entry.pw_shell;
}

std::string group_line(const group& entry) {
  std::string out = std::string(entry.gr_name) + ":" + entry.gr_passwd + ":" + std::to_string(entry.gr_gid) + ":";
  for (char** member = entry.gr_mem; *member != nullptr; ++member) {
    if (member != entry.gr_mem) out += ",";
    out += *member;
  }
  return out;
}

/// Asks one of the getXXnam_r functions, with a buffer that grows until the entry fits.
template <class Entry, class Get, class Line>
Lookup ask(const std::string& table, const std::string& key, Get get, Line line) {
  constexpr size_t kLargest = size_t{1} << 20;
  std::string buffer(4096, '\0');
  for (;;) {
    Entry entry{};
    Entry* result = nullptr;
    int error = get(key.c_str(), &entry, buffer.data(), buffer.size(), &result);
    if (result != nullptr) return Lookup::of(line(entry));
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
    if (database_ == Database::passwd) return ask<passwd>(name(), folded, getpwnam_r, passwd_line);
    return ask<group>(name(), folded, getgrnam_r, group_line);
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
