#include "named-lite/check/check_policy.h"

namespace umaya::named {

std::string CheckPolicy::text() const {
  std::string all;
  for (CheckAction action : {names, mx, mx_cname, srv_cname, dup_records, spf}) {
    all += static_cast<char>('0' + static_cast<int>(action));
  }
  for (bool flag : {integrity, sibling, wildcard}) all += flag ? '1' : '0';
  return all;
}

}  // namespace umaya::named
