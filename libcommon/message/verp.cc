#include "libcommon/message/verp.h"

#include <algorithm>

#include "libcommon/message/address.h"

namespace umaya::message {

bool valid_verp_delimiters(std::string_view delimiters, std::string_view allowed) {
  auto fits = [allowed](char c) { return allowed.find(c) != allowed.npos; };
  return delimiters.size() == 2 && std::all_of(delimiters.begin(), delimiters.end(), fits);
}

std::string verp_sender(std::string_view sender, std::string_view recipient, std::string_view delimiters) {
  if (sender.empty() || delimiters.size() != 2) return std::string(sender);
  const SplitAddress from = split_address(sender);
  const SplitAddress to = split_address(recipient);
  std::string out(from.local);
  out.append(1, delimiters[0]).append(to.local);
  if (to.qualified) out.append(1, delimiters[1]).append(to.domain);
  if (from.qualified) out.append("@").append(from.domain);
  return out;
}

}  // namespace umaya::message
