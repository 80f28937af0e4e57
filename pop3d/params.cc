#include "pop3d/params.h"

namespace umaya::pop3d {

Result<> set_virtual_mailbox_base(Params& params, const std::string& value) {
  params.virtual_mailbox_base = value;
  return {};
}

Result<> set_upstream_proxy(Params& params, const std::string& value) {
  if (!value.empty() && value != "haproxy") return permanent("use haproxy, or nothing");
  params.upstream_proxy = value;
  return {};
}

}  // namespace umaya::pop3d
