#include "libcommon/base/strings.h"
#include "named-lite/check/zone_check.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

/// A name whose first labels are the four numbers of an IPv4 address.
bool looks_like_address(std::string_view wire) {
  for (int i = 0; i < 4; ++i, wire = parent_of(wire)) {
    if (wire.size() <= 1) return false;
    auto number = parse_uint(wire.substr(1, static_cast<unsigned char>(wire[0])));
    if (!number || *number > 255) return false;
  }
  return true;
}

bool has_address(const Node& node) {
  return node.find(type::kA) != nullptr || node.find(type::kAaaa) != nullptr;
}

/// The line with another name at its end.
std::string with_target(const CheckedZone& zone, const Record& record, const std::string& target) {
  std::string line = record_text(zone.list, record);
  return line.substr(0, line.rfind(' ') + 1) + target;
}

}  // namespace

/// Where a CNAME of this zone leads; looked for in the list, since this is for a message only.
std::string TargetChecks::alias_target(std::string_view alias) const {
  for (const Record& each : zone_.list.records()) {
    if (each.type == type::kCname && same_name(zone_.list.owner(each), alias)) {
      return zone_.text(zone_.list.rdata(each));
    }
  }
  return "its target";
}

bool TargetChecks::at_address(const Record& record, std::string_view name) const {
  if (!looks_like_address(name)) return false;
  std::string_view rest = name;
  for (int i = 0; i < 4; ++i) rest = parent_of(rest);
  std::string address = name_text(std::string(name.substr(0, name.size() - rest.size())) + std::string(1, 0));
  address.pop_back();
  zone_.report(
      record.type == type::kMx   ? zone_.policy.mx
      : record.type == type::kNs ? zone_.policy.ns
                                 : CheckAction::warn,
      record,
      type_text(record.type) + " names a host, not an address: give " + address + " a name and write that name here");
  return true;
}

bool TargetChecks::at_alias(const Record& record, std::string_view name, const Node* node) const {
  if (node == nullptr || (node->flags & Node::kHasCname) == 0) return false;
  CheckAction action = record.type == type::kMx    ? zone_.policy.mx_cname
                       : record.type == type::kSrv ? zone_.policy.srv_cname
                                                   : CheckAction::warn;
  std::string right = alias_target(name);
  zone_.report(action, record,
               type_text(record.type) + " names " + zone_.text(name) + ", which is an alias (RFC 2181 10.3): name " +
                   right + " itself",
               with_target(zone_, record, right));
  return true;
}

void TargetChecks::without_address(const Record& record, std::string_view name, const Node* node) const {
  if (!zone_.policy.integrity || (node != nullptr && has_address(*node))) return;
  const Node* encloser = node != nullptr ? node : zone_.encloser_of(name);
  if (encloser == nullptr) return;
  std::string type(type_text(record.type));
  if (encloser->above != 0) {
    // A zone below knows the name; only a delegation needs its address here.
    if (record.type != type::kNs) return;
    bool own_glue = is_at_or_below(name, zone_.list.owner(record));
    if (!own_glue && !zone_.policy.sibling) return;
    return zone_.warn(record,
                      "NS names " + name_text(name) +
                          ", which nobody can find without its address: glue is "
                          "missing",
                      zone_.text(name) + " IN A …");
  }
  if (node == nullptr && (encloser->flags & Node::kHasWildcard) != 0) return;
  zone_.warn(record,
             type + " names " + name_text(name) + ", which has no address in this zone (is a final dot missing?)",
             zone_.text(name) + " IN A …");
}

void TargetChecks::target(const Record& record) const {
  std::string_view name = target_name(record.type, zone_.list.rdata(record));
  if (name.size() <= 1) return;  // "." says that there is none (RFC 7505, RFC 2782)
  if (at_address(record, name)) return;
  if (char bad = bad_host_octet(name); bad != 0) {
    zone_.report(zone_.policy.names, record,
                 type_text(record.type) + " names a host, and a host name has no \"" + printable({&bad, 1}) +
                     "\": " + zone_.text(name));
  }
  if (!is_at_or_below(name, zone_.list.apex().wire())) return;
  const Node* node = zone_.node_of(name);
  if (!at_alias(record, name, node)) without_address(record, name, node);
}

void TargetChecks::alias(const Record& record) const {
  std::string_view name = zone_.list.rdata(record);
  if (!is_at_or_below(name, zone_.list.apex().wire())) return;
  const Node* encloser = zone_.encloser_of(name);
  if (encloser == nullptr || zone_.image.name_size(*encloser) == name.size() || encloser->above != 0 ||
      (encloser->flags & (Node::kHasWildcard | Node::kHasDname)) != 0) {
    return;
  }
  zone_.warn(record, "the alias leads to " + name_text(name) + ", a name that does not exist");
}

}  // namespace umaya::named
