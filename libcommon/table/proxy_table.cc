// proxy:type:name. Most processes may read the file themselves, and then do.
#include "libcommon/event/task.h"
#include "libcommon/table/types.h"

namespace umaya::table {
namespace {

/// The wrapped table under its own name.
class ProxyTable : public Table {
 public:
  ProxyTable(std::string name, std::unique_ptr<Table> inner) : Table(std::move(name)), inner_(std::move(inner)) {}
  std::optional<Lookup> lookup_now(std::string_view key) override { return inner_->lookup_now(key); }
  event::Task<Lookup> lookup(std::string key) override { return inner_->lookup(std::move(key)); }
  Matching matching() const override { return inner_->matching(); }
  bool changed() const override { return inner_->changed(); }
  Result<> for_each(const std::function<void(std::string_view, std::string_view)>& fn) override {
    return inner_->for_each(fn);
  }

 private:
  std::unique_ptr<Table> inner_;
};

}  // namespace

Opened open_proxy(const Options& options, std::string name) {
  UMAYA_TRY(auto inner, open(options, name.substr(name.find(':') + 1)));
  return std::make_unique<ProxyTable>(std::move(name), std::move(inner));
}

}  // namespace umaya::table
