// unionmap (all answers, joined by comma) and pipemap (the answer of one table is the question to the next).
#include "libcommon/event/task.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

using Parts = std::vector<std::unique_ptr<Table>>;

Matching matching_of(const Parts& parts) {
  for (const auto& part : parts) {
    if (part->matching() == Matching::pattern) return Matching::pattern;
  }
  return Matching::exact;
}

bool any_changed(const Parts& parts) {
  for (const auto& part : parts) {
    if (part->changed()) return true;
  }
  return false;
}

class CombinedTable : public Table {
 public:
  CombinedTable(std::string name, Parts parts) : Table(std::move(name)), parts_(std::move(parts)) {}
  Matching matching() const override { return matching_of(parts_); }
  bool changed() const override { return any_changed(parts_); }

 protected:
  Parts parts_;
};

class UnionTable : public CombinedTable {
 public:
  using CombinedTable::CombinedTable;
  std::optional<Lookup> lookup_now(std::string_view key) override {
    std::optional<std::string> joined;
    for (auto& part : parts_) {
      auto answer = part->lookup_now(key);
      if (!answer || answer->is_error()) return answer;
      add(joined, *answer);
    }
    return finish(joined);
  }
  event::Task<Lookup> lookup(std::string key) override;

 private:
  static void add(std::optional<std::string>& joined, const Lookup& answer) {
    if (answer.found()) joined = joined ? *joined + "," + answer.value() : answer.value();
  }
  static Lookup finish(std::optional<std::string>& joined) { return joined ? Lookup::of(*joined) : Lookup(); }
};

class PipeTable : public CombinedTable {
 public:
  using CombinedTable::CombinedTable;
  std::optional<Lookup> lookup_now(std::string_view key) override {
    std::optional<Lookup> answer = Lookup::of(std::string(key));
    for (auto& part : parts_) {
      answer = part->lookup_now(answer->value());
      if (!answer || !answer->found()) return answer;
    }
    return answer;
  }
  event::Task<Lookup> lookup(std::string key) override;
};

Result<Parts> open_parts(const Options& options, const std::string& name) {
  size_t colon = name.find(':');
  UMAYA_TRY(auto elements, braced_list(name.substr(0, colon), name.substr(colon + 1), "type:name"));
  Parts parts;
  for (const std::string& element : elements) {
    UMAYA_TRY(auto part, open(options, element));
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

event::Task<Lookup> UnionTable::lookup(std::string key) {
  std::optional<std::string> joined;
  for (auto& part : parts_) {
    Lookup answer = co_await part->lookup(key);
    if (answer.is_error()) co_return answer;
    add(joined, answer);
  }
  co_return finish(joined);
}

event::Task<Lookup> PipeTable::lookup(std::string key) {
  Lookup answer = Lookup::of(std::move(key));
  for (auto& part : parts_) {
    answer = co_await part->lookup(answer.take());
    if (!answer.found()) break;
  }
  co_return answer;
}

event::Task<Lookup> Table::lookup(std::string key) {
  auto answer = lookup_now(key);
  if (!answer) co_return Lookup::failed("table " + name() + " cannot be asked");
  co_return std::move(*answer);
}

Result<> Table::for_each(const std::function<void(std::string_view, std::string_view)>&) {
  return permanent("table " + name() + " cannot be listed");
}

Opened open_unionmap(const Options& options, std::string name) {
  UMAYA_TRY(Parts parts, open_parts(options, name));
  return std::make_unique<UnionTable>(std::move(name), std::move(parts));
}

Opened open_pipemap(const Options& options, std::string name) {
  UMAYA_TRY(Parts parts, open_parts(options, name));
  return std::make_unique<PipeTable>(std::move(name), std::move(parts));
}

}  // namespace umaya::table
