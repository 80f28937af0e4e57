// LINK umaya_route
// Rewriting and resolving: never without an end, a resolved address is never ours by a way round the domain lists.
#include <cstdint>
#include <cstdlib>

#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/route/router.h"

namespace {

std::unique_ptr<umaya::route::Router> make_router() {
  using namespace umaya;
  log::capture([](log::Level, std::string_view) {});
  config::HostFacts host;
  host.hostname = "mx.example.com";
  auto config = config::Config::from_text(
      "myhostname = mx.example.com\nmydestination = example.com\nrecipient_delimiter = +\nlocal_recipient_maps =\n"
      "virtual_alias_maps = inline:{{a@example.com = b, c@x.test}, {@old.test = @new.test}}\n"
      "canonical_maps = inline:{{b@example.com = B.C@example.com}}\nmasquerade_domains = example.com\n",
      "/nowhere", {}, host);
  if (!config) std::abort();
  auto router = route::Router::open(*config);
  if (!router) std::abort();
  return std::move(*router);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya;
  static auto router = make_router();
  if (size > 2048) return 0;
  std::string_view address(reinterpret_cast<const char*>(data), size);
  std::string full = router->rewrite(address);
  route::Resolution to = router->resolve("s@x.test", full);
  if (to.error || to.bad_syntax) return 0;
  bool is_local = to.address_class == route::AddressClass::local;
  std::string domain{message::split_address(to.recipient).domain};
  if (is_local && domain != "mx.example.com" && router->is_local_domain(domain) != table::Match::yes) std::abort();
  auto mapped = router->map_address(full, route::kEnvelopeRecipient);
  if (mapped && !router->expand_virtual(*mapped)) std::abort();
  router->check_recipient("", full);
  return 0;
}
