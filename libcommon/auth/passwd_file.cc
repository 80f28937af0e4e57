#include "libcommon/auth/passwd_file.h"

#include <algorithm>
#include <map>
#include <set>

namespace umaya::auth {

bool valid_user_name(std::string_view user) {
  if (user.empty() || user.size() > 255) return false;
  bool letters = std::all_of(user.begin(), user.end(), [](char c) {
    return ascii_alnum(c) || std::string_view(".-_@+=").find(c) != std::string_view::npos;
  });
  auto begins_well = [](std::string_view part) { return !part.empty() && part[0] != '.' && part[0] != '-'; };
  size_t at = user.find('@');
  if (!letters || !begins_well(user.substr(0, at))) return false;
  if (at == std::string_view::npos) return true;
  std::string_view domain = user.substr(at + 1);
  return begins_well(domain) && domain.find('@') == std::string_view::npos;
}

unsigned uses_of(const StoredPassword& password) {
  if (password.plain()) return kEverySecret;
  unsigned uses = kCheckable;
  if (password.has_cram_keys()) uses |= kCramMd5;
  if (password.has_scram_keys(Hash::sha1)) uses |= kScramSha1;
  if (password.has_scram_keys(Hash::sha256)) uses |= kScramSha256;
  return uses;
}

const PasswdEntry* PasswdFile::find(std::string_view user) const {
  auto at = entries_.find(user);
  if (at == entries_.end()) {
    auto name = by_lower_case_.find(to_lower(user));
    if (name != by_lower_case_.end()) at = entries_.find(name->second);
  }
  return at == entries_.end() ? nullptr : &at->second;
}

std::vector<std::string> PasswdFile::users() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

void PasswdFile::add(PasswdEntry entry) {
  if (entry.password) uses_ &= uses_of(*entry.password);
  std::string name = entry.user;
  by_lower_case_.try_emplace(to_lower(name), name);
  entries_.try_emplace(std::move(name), std::move(entry));
}

void PasswdFile::choose_decoy() {
  std::map<std::string, std::pair<size_t, const StoredPassword*>> schemes;
  for (const auto& [name, entry] : entries_) {
    if (!entry.password) continue;
    auto& [count, example] = schemes[entry.password->scheme()];
    ++count;
    example = &*entry.password;
  }
  size_t best = 0;
  for (const auto& [scheme, row] : schemes) {
    if (row.first <= best) continue;
    best = row.first;
    decoy_ = *row.second;
  }
}

namespace {

class LineReader {
 public:
  LineReader(std::string where, std::vector<std::string>& problems, const PasswdRules& rules)
      : where_(std::move(where)), problems_(problems), rules_(rules) {}
  std::optional<PasswdEntry> read(std::string_view line);

 private:
  std::nullopt_t wrong(const std::string& what) {
    problems_.push_back(where_ + ": " + what);
    return std::nullopt;
  }
  bool number(std::string_view text, std::string_view name, std::optional<uint32_t>& out);
  bool extra(std::string_view field, PasswdEntry& entry);
  bool networks(std::string_view list, PasswdEntry& entry);

  std::string where_;
  std::vector<std::string>& problems_;
  const PasswdRules& rules_;
};

bool LineReader::number(std::string_view text, std::string_view name, std::optional<uint32_t>& out) {
  if (text.empty()) return true;
  auto value = parse_uint(text);
  if (!value || *value >= UINT32_MAX) {
    wrong(std::string(name) + " \"" + std::string(text) + "\" is not a number");
    return false;
  }
  out = static_cast<uint32_t>(*value);
  return true;
}

bool LineReader::networks(std::string_view list, PasswdEntry& entry) {
  for (std::string_view each : split(list, ",")) {
    std::string why;
    auto network = net::Network::parse(each, &why);
    if (!network) {
      wrong("allow_nets: \"" + std::string(each) + "\" is no network: " + why);
      return false;
    }
    entry.allow_nets.push_back(*network);
  }
  return true;
}

bool LineReader::extra(std::string_view field, PasswdEntry& entry) {
  size_t equal = field.find('=');
  std::string_view name = field.substr(0, equal);
  std::string_view value = equal == std::string_view::npos ? std::string_view() : field.substr(equal + 1);
  if (name == "nologin") entry.nologin = true;
  if (name == "allow_nets") return networks(value, entry);
  if (name == "userdb_uid") return number(value, name, entry.uid);
  if (name == "userdb_gid") return number(value, name, entry.gid);
  if (name.starts_with("userdb_")) return set_user_field(entry, field.substr(7));
  return true;
}

std::optional<PasswdEntry> LineReader::read(std::string_view line) {
  std::string_view fields[8];
  for (size_t i = 0; i < 8; ++i) {
    // The last field keeps its colons: networks and mail locations have some.
    size_t colon = i == 7 ? std::string_view::npos : line.find(':');
    fields[i] = line.substr(0, colon);
    line = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  }
  PasswdEntry entry;
  entry.user = fields[0];
  if (!valid_user_name(fields[0])) {
    return wrong("user name \"" + printable(fields[0]) +
                 "\": letters, digits and . - _ @ + = only, neither . nor - first");
  }
  if (!fields[1].empty() && fields[1] != "*" && fields[1] != "!" && fields[1] != "x") {
    auto password = StoredPassword::parse(fields[1], rules_.default_scheme);
    if (!password) return wrong("user " + entry.user + ": " + password.error().what);
    entry.password = std::move(*password);
  }
  if (!number(fields[2], "uid", entry.uid) || !number(fields[3], "gid", entry.gid)) return std::nullopt;
  entry.home = fields[5];
  for (std::string_view field : split(fields[7], " \t")) {
    if (!extra(field, entry)) return std::nullopt;
  }
  return entry;
}

}  // namespace

bool set_user_field(PasswdEntry& entry, std::string_view field) {
  size_t equal = field.find('=');
  std::string_view name = field.substr(0, equal);
  std::string_view value = equal == std::string_view::npos ? std::string_view() : field.substr(equal + 1);
  if (name == "uid" || name == "gid") {
    auto number = parse_uint(value);
    if (!number || *number >= UINT32_MAX) return false;
    (name == "uid" ? entry.uid : entry.gid) = static_cast<uint32_t>(*number);
  } else if (name == "home") {
    entry.home = value;
  } else if (name == "mail") {
    entry.mail = value;
  } else if (!name.empty()) {
    entry.more.emplace_back(field);
  }
  return true;
}

std::optional<PasswdEntry> parse_passwd_line(std::string_view line, const std::string& where,
                                             std::vector<std::string>& problems, const PasswdRules& rules) {
  return LineReader(where, problems, rules).read(line);
}

PasswdFile parse_passwd_file(std::string_view text, const std::string& file, std::vector<std::string>& problems,
                             const PasswdRules& rules) {
  PasswdFile result;
  std::set<std::string> weak;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trim(line).empty() || line.starts_with('#')) continue;
    std::string where = file + ":" + std::to_string(number);
    auto entry = LineReader(where, problems, rules).read(line);
    if (!entry) continue;
    if (result.find(entry->user) != nullptr) {
      problems.push_back(where + ": user " + entry->user + " is there twice: the first line counts");
      continue;
    }
    if (!rules.allow_weak && entry->password && entry->password->is_weak() && entry->password->scheme() != "PLAIN" &&
        weak.insert(entry->password->scheme()).second) {
      problems.push_back(where + ": passwords of scheme " + entry->password->scheme() +
                         " are quickly guessed by who gets the file: use SHA512-CRYPT or BLF-CRYPT, or set "
                         "auth_allow_weak_schemes = yes");
    }
    result.add(std::move(*entry));
  }
  result.choose_decoy();
  return result;
}

}  // namespace umaya::auth
