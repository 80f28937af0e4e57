#include "named-lite/check/check_policy.h"

namespace umaya::named {

std::string CheckPolicy::text() const {
  std::string all;
  for (CheckAction action : {names, mx, mx_cname, srv_cname, dup_records, spf, ns}) {
    all += static_cast<char>('0' + static_cast<int>(action));
  }
  for (bool flag : {integrity, sibling, wildcard}) all += flag ? '1' : '0';
  for (uint64_t limit : {max_records, uint64_t{max_records_per_type}, uint64_t{max_types_per_name}}) {
    all += ' ' + std::to_string(limit);
  }
  return all;
}

}  // namespace umaya::named
