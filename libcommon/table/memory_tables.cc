// Tables that are kept in memory: texthash, inline, static, randmap, environ, fail.
#include <cstdlib>
#include <map>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/table/source.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

class MemoryTable : public Table {
 public:
  MemoryTable(std::string name, CaseRule fold) : Table(std::move(name)), fold_(fold) {}

  /// False when the key is there already.
  bool add(std::string_view key, std::string value) {
    return entries_.try_emplace(std::string(FoldedKey(key, fold_).view()), std::move(value)).second;
  }
  void replace(std::string_view key, std::string value) {
    entries_.insert_or_assign(std::string(FoldedKey(key, fold_).view()), std::move(value));
  }
  void watch(std::string path) {
    path_ = std::move(path);
    identity_ = FileIdentity::of(path_);
  }
  std::optional<Lookup> lookup_now(std::string_view key) override {
    auto found = entries_.find(FoldedKey(key, fold_).view());
    return found == entries_.end() ? Lookup() : Lookup::of(found->second);
  }
  bool changed() const override { return !path_.empty() && !(FileIdentity::of(path_) == identity_); }
  Result<> for_each(const std::function<void(std::string_view, std::string_view)>& fn) override {
    std::map<std::string_view, std::string_view> sorted(entries_.begin(), entries_.end());
    for (const auto& [key, value] : sorted) fn(key, value);
    return {};
  }

 private:
  StringMap<std::string> entries_;
  CaseRule fold_;
  std::string path_;
  FileIdentity identity_;
};

class StaticTable : public Table {
 public:
  StaticTable(std::string name, std::string value) : Table(std::move(name)), value_(std::move(value)) {}
  std::optional<Lookup> lookup_now(std::string_view) override { return Lookup::of(value_); }

 private:
  std::string value_;
};

class RandomTable : public Table {
 public:
  RandomTable(std::string name, std::vector<std::string> values) : Table(std::move(name)), values_(std::move(values)) {}
  Matching matching() const override { return Matching::pattern; }
  std::optional<Lookup> lookup_now(std::string_view) override {
    return Lookup::of(values_[random_below(values_.size())]);
  }

 private:
  std::vector<std::string> values_;
};

class EnvironTable : public Table {
 public:
  explicit EnvironTable(std::string name) : Table(std::move(name)) {}
  std::optional<Lookup> lookup_now(std::string_view key) override {
    const char* value = secure_getenv(std::string(key).c_str());
    return value == nullptr ? Lookup() : Lookup::of(value);
  }
};

class FailingTable : public Table {
 public:
  FailingTable(std::string name, Error error) : Table(std::move(name)), error_(std::move(error)) {}
  /// Worth another try after some time; fail: stays as it is.
  bool changed() const override { return type() != "fail" && monotonic_now() >= retry_at_; }
  std::optional<Lookup> lookup_now(std::string_view) override { return Lookup::failed(error_); }

 private:
  static constexpr auto kRetryAfter = std::chrono::seconds(5);
  Error error_;
  TimePoint retry_at_ = monotonic_now() + kRetryAfter;
};

std::string after_type(const std::string& name) {
  return name.substr(name.find(':') + 1);
}

}  // namespace

std::unique_ptr<Table> failing_table(std::string name, Error error) {
  return std::make_unique<FailingTable>(std::move(name), std::move(error));
}

Opened open_texthash(const Options& options, std::string name) {
  std::string path = after_type(name);
  auto table = std::make_unique<MemoryTable>(name, options.fold);
  table->watch(path);
  auto text = read_source_file(path);
  if (!text) {
    Error error = text.error();
    error.what = "open database " + path + ": " + strerror(error.sys_errno);
    return std::unexpected(std::move(error));
  }
  std::string duplicate;
  auto warn = [&](int line, const std::string& what) {
    std::string_view suffix = what.starts_with("expected format") ? " -- ignoring this line" : "";
    log::warning("{}, line {}: {}{}", path, line, what, suffix);
  };
  read_map_source(*text, {.on_entry =
                              [&](SourceEntry entry) {
                                if (table->add(entry.key, std::move(entry.value))) return;
                                std::string what = "duplicate entry: \"" + entry.key + "\"";
                                duplicate = path + ", line " + std::to_string(entry.line) + ": " + what;
                                warn(entry.line, what);
                              },
                          .on_problem = warn});
  if (!duplicate.empty() && options.duplicates == Duplicates::error) return temporary(duplicate);
  return table;
}

Opened open_inline(const Options& options, std::string name) {
  std::string definition = after_type(name);
  UMAYA_TRY(auto elements, braced_list("inline", definition, "name=value"));
  auto table = std::make_unique<MemoryTable>(name, options.fold);
  for (const std::string& element : elements) {
    size_t equals = element.find('=');
    std::string_view key = trim(std::string_view(element).substr(0, equals));
    if (equals == std::string::npos || key.empty()) {
      return permanent((key.empty() ? "missing attribute name: \"" : "missing '=' after attribute name: \"") + name +
                       "\"; need \"inline:{name=value...}\"");
    }
    table->replace(key, std::string(trim(std::string_view(element).substr(equals + 1))));
  }
  return table;
}

Opened open_static(const Options&, std::string name) {
  std::string value = after_type(name);
  if (value.front() == '{') {
    auto inner = inside_braces(value);
    if (!inner) return permanent("bad syntax: \"" + name + "\"; need \"static:{text}\" with one pair of braces");
    value = std::string(*inner);
  }
  return std::make_unique<StaticTable>(std::move(name), std::move(value));
}

Opened open_randmap(const Options&, std::string name) {
  UMAYA_TRY(auto values, braced_list("randmap", after_type(name), "value"));
  return std::make_unique<RandomTable>(std::move(name), std::move(values));
}

Opened open_environ(const Options&, std::string name) {
  return std::make_unique<EnvironTable>(std::move(name));
}

Opened open_fail(const Options&, std::string name) {
  Error error{ErrorKind::temporary, 0, "Application error", {}};
  return failing_table(std::move(name), std::move(error));
}

}  // namespace umaya::table
