// Address mappings: canonical, masquerade, virtual alias, generic, bcc.
#include <algorithm>
#include <set>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/message/address.h"
#include "libcommon/route/router.h"

namespace umaya::route {
namespace {

constexpr int kMaxMappings = 10;

/// "user@domain" with "+ext" behind user.
std::string with_extension(std::string_view address, std::string_view extension) {
  auto parts = message::split_address(address);
  std::string out{parts.local};
  out += extension;
  if (parts.qualified) out.append("@").append(parts.domain);
  return out;
}

std::unexpected<Error> mapping_error(std::string_view title, std::string_view what, std::string_view address) {
  return temporary(std::string(title) + " " + std::string(what) + " for " + std::string(address), "4.6.0");
}

}  // namespace

/// What one look-up makes of an address: complete addresses; empty when nothing is found.
Result<std::vector<std::string>> Router::map_many(table::Maps& maps, std::string_view address, bool propagate) {
  std::vector<std::string> out;
  auto found = table::find_address(maps, address, address_rules_);
  if (found.lookup.is_error()) return mapping_error(maps.title(), "map lookup problem", address);
  if (!found) return out;
  std::string value = found.lookup.take();
  if (value.front() == '@') {
    auto parts = message::split_address(address);
    std::string local{parts.local};
    if (!found.extension.empty()) local.resize(local.size() - found.extension.size());
    out.push_back(rewrite(local + value));
    if (propagate && !found.extension.empty()) out.back() = with_extension(out.back(), found.extension);
    return out;
  }
  for (const auto& listed : message::parse_address_list(value).addresses) {
    if (listed.address.empty()) continue;
    std::string full = rewrite(listed.address);
    out.push_back(propagate && !found.extension.empty() ? with_extension(full, found.extension) : full);
  }
  return out;
}

Result<std::string> Router::map_one(table::Maps& maps, std::string address, bool propagate, Steps* steps) {
  for (int count = 0; count < kMaxMappings; ++count) {
    UMAYA_TRY(auto results, map_many(maps, address, propagate));
    if (results.empty()) return address;
    if (results.size() > 1) log::warning("multi-valued {} entry for {}", maps.title(), address);
    bool to_itself = iequals(results[0], address);
    address = std::move(results[0]);
    note(steps, maps.title(), address);
    if (to_itself) return address;
  }
  return mapping_error(maps.title(), "map nesting is unreasonable", address);
}

std::string Router::masquerade(std::string address, Steps* steps) const {
  auto parts = message::split_address(address);
  if (!parts.qualified) return address;
  for (const std::string& exception : params_.masquerade_exceptions) {
    if (iequals(parts.local, exception)) return address;
  }
  for (std::string_view masquerade : params_.masquerade_domains) {
    bool exclude = masquerade.starts_with('!');
    if (exclude) masquerade.remove_prefix(1);
    if (iequals(parts.domain, masquerade)) return address;
    if (parts.domain.size() <= masquerade.size() || !iends_with(parts.domain, masquerade) ||
        parts.domain[parts.domain.size() - masquerade.size() - 1] != '.') {
      continue;
    }
    if (exclude) return address;
    std::string out = std::string(parts.local) + "@" + std::string(masquerade);
    note(steps, "masquerade_domains", out);
    return out;
  }
  return address;
}

bool Router::maps_in(Place place) const {
  return (!sender_canonical_.empty() && (sender_canonical_places_ & place) != 0) ||
         (!recipient_canonical_.empty() && (recipient_canonical_places_ & place) != 0) ||
         (!canonical_.empty() && (canonical_places_ & place) != 0) ||
         (!params_.masquerade_domains.empty() && (masquerade_places_ & place) != 0);
}

Result<std::string> Router::map_address(std::string_view address, Place place, Steps* steps) {
  std::string out{address};
  if (out.empty()) return out;
  if (!sender_canonical_.empty() && (sender_canonical_places_ & place) != 0) {
    UMAYA_TRY(out, map_one(sender_canonical_, std::move(out), propagate_canonical_, steps));
  }
  if (!recipient_canonical_.empty() && (recipient_canonical_places_ & place) != 0) {
    UMAYA_TRY(out, map_one(recipient_canonical_, std::move(out), propagate_canonical_, steps));
  }
  if (!canonical_.empty() && (canonical_places_ & place) != 0) {
    UMAYA_TRY(out, map_one(canonical_, std::move(out), propagate_canonical_, steps));
  }
  if ((masquerade_places_ & place) != 0) out = masquerade(std::move(out), steps);
  return out;
}

Result<std::string> Router::map_generic(std::string_view address, Steps* steps) {
  UMAYA_TRY(auto results, map_many(generic_, address, propagate_generic_));
  if (results.empty()) return std::string(address);
  note(steps, "smtp_generic_maps", results[0]);
  return std::move(results[0]);
}

Result<std::vector<std::string>> Router::expand_virtual(std::string_view address, Steps* steps) {
  std::vector<std::string> out{std::string(address)};
  if (virtual_alias_.empty()) return out;
  std::set<std::string> expanded_to_self;
  auto expansion_limit = static_cast<size_t>(params_.virtual_alias_expansion_limit);
  auto length_limit = static_cast<size_t>(params_.virtual_alias_address_length_limit);
  for (size_t i = 0; i < out.size(); ++i) {
    if (out.size() > expansion_limit) {
      return mapping_error("unreasonable virtual_alias_maps", "map expansion size", address);
    }
    for (int64_t count = 0; !expanded_to_self.contains(table::fold_case(out[i])); ++count) {
      if (count >= params_.virtual_alias_recursion_limit) {
        return mapping_error("unreasonable virtual_alias_maps", "map nesting", address);
      }
      std::string before = out[i];
      UMAYA_TRY(auto results, map_many(virtual_alias_, before, propagate_virtual_));
      if (results.empty()) break;
      for (std::string& result : results) {
        if (result.size() > length_limit) {
          return mapping_error("unreasonable virtual_alias_maps", "result length", address);
        }
        if (iequals(result, before)) expanded_to_self.insert(table::fold_case(before));
      }
      if (steps != nullptr) {
        for (const std::string& result : results) note(steps, "virtual_alias_maps", before + " to " + result);
      }
      out[i] = std::move(results[0]);
      std::move(results.begin() + 1, results.end(), std::back_inserter(out));
    }
  }
  return out;
}

Result<std::vector<std::string>> Router::bcc_of(table::Maps& maps, std::string_view address) {
  std::vector<std::string> out;
  if (maps.empty() || address.empty()) return out;
  auto found = table::find_address(maps, address, address_rules_);
  if (found.lookup.is_error()) return mapping_error(maps.title(), "map lookup problem", address);
  if (!found) return out;
  for (const auto& listed : message::parse_address_list(found.lookup.value()).addresses) {
    if (!listed.address.empty()) out.push_back(rewrite(listed.address));
  }
  if (out.size() > 1) log::warning("multi-valued {} entry for {}", maps.title(), address);
  if (out.size() > 1) out.resize(1);
  return out;
}

Result<std::vector<std::string>> Router::sender_bcc(std::string_view sender) {
  return bcc_of(sender_bcc_, sender);
}
Result<std::vector<std::string>> Router::recipient_bcc(std::string_view recipient) {
  return bcc_of(recipient_bcc_, recipient);
}

}  // namespace umaya::route
