#include "named-lite/update/apply_update.h"

#include "named-lite/answer/query.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"
#include "named-lite/update/prerequisites.h"

namespace umaya::named {

namespace {

UpdateResult refused(uint16_t rcode, std::string why) {
  UpdateResult result;
  result.rcode = rcode;
  result.why = std::move(why);
  return result;
}

std::string describe(const WireRecord& record) {
  return name_text(record.owner) + " " + type_text(record.type);
}

/// Types that may stand beside a CNAME (RFC 4035 2.5, RFC 2181 10.1).
bool goes_with_cname(uint16_t type) {
  return type == type::kRrsig || type == type::kNsec || type == type::kCname;
}

/// One UPDATE at work.
class Applying {
 public:
  Applying(ZoneEdit& edit, const UpdateMessage& update, const UpdateRules& rules)
      : edit_(edit), update_(update), rules_(rules) {}

  /// Empty, or why the update is refused.
  std::string run() {
    for (const WireRecord& record : update_.updates) {
      if (record.cls == rr_class::kAny) {
        remove_sets(record);
      } else if (record.cls == rr_class::kNone) {
        remove_record(record);
      } else {
        add(record);
      }
    }
    // Every name and type was within the limits before: only what was touched is looked at.
    for (const WireRecord& record : update_.updates) {
      std::string beyond = beyond_limits(record);
      if (record.cls == update_.cls && !beyond.empty()) return beyond;
    }
    return {};
  }

 private:
  bool is_apex(const WireRecord& record) const { return same_name(record.owner, edit_.apex()); }

  /// RFC 2136 3.4.2.2.
  void add(const WireRecord& record) {
    for (const ZoneRecord& there : edit_.records(record.owner)) {
      bool alias = record.type == type::kCname;
      if (alias ? !goes_with_cname(there.type) : there.type == type::kCname && !goes_with_cname(record.type)) return;
    }
    ZoneRecord fresh{record.owner, record.type, record.ttl, record.rdata};
    if (record.type == type::kSoa) {
      bool newer = is_apex(record) && serial_is_newer(soa_serial(record.rdata), edit_.serial());
      if (newer) edit_.replace_soa(fresh);
      return;
    }
    if (record.type == type::kCname) remove_other_cname(fresh);
    if (record.type == type::kDname) remove_other_dname(fresh);
    edit_.add(fresh);
  }

  /// There is one CNAME at a name: a new one takes the place of the old.
  void remove_other_cname(const ZoneRecord& fresh) {
    const std::vector<ZoneRecord> there = edit_.records(fresh.owner);
    for (const ZoneRecord& each : there) {
      if (each.type == type::kCname && !same_record(each, fresh)) edit_.remove(each);
    }
  }

  /// The same with DNAME (RFC 6672 2.4).
  void remove_other_dname(const ZoneRecord& fresh) {
    const std::vector<ZoneRecord> there = edit_.records(fresh.owner);
    for (const ZoneRecord& each : there) {
      if (each.type == type::kDname && !same_record(each, fresh)) edit_.remove(each);
    }
  }

  /// RFC 2136 3.4.2.3: class ANY.
  void remove_sets(const WireRecord& record) {
    bool apex = is_apex(record);
    if (record.type != type::kAny) {
      if (!apex || (record.type != type::kSoa && record.type != type::kNs)) {
        edit_.remove_rrset(record.owner, record.type);
      }
      return;
    }
    const std::vector<ZoneRecord> there = edit_.records(record.owner);
    for (const ZoneRecord& each : there) {
      if (!apex || (each.type != type::kSoa && each.type != type::kNs)) edit_.remove(each);
    }
  }

  /// RFC 2136 3.4.2.4: class NONE.
  void remove_record(const WireRecord& record) {
    if (record.type == type::kSoa) return;
    if (is_apex(record) && record.type == type::kNs && edit_.count(record.owner, type::kNs) <= 1) return;
    edit_.remove({record.owner, record.type, 0, record.rdata});
  }

  std::string beyond_limits(const WireRecord& record) const {
    const ChangeLimits& limits = rules_.limits;
    if (limits.records_per_type != 0 && edit_.count(record.owner, record.type) > limits.records_per_type) {
      return describe(record) + ": more than " + std::to_string(limits.records_per_type) + " records of a type";
    }
    if (limits.types_per_name != 0 && edit_.types(record.owner) > limits.types_per_name) {
      return describe(record) + ": more than " + std::to_string(limits.types_per_name) + " types at a name";
    }
    if (limits.records != 0 && edit_.record_count() > limits.records) {
      return "the zone would have more than " + std::to_string(limits.records) + " records";
    }
    return {};
  }

  ZoneEdit& edit_;
  const UpdateMessage& update_;
  const UpdateRules& rules_;
};

/// RFC 2136 3.3, before the prerequisites: they would tell a stranger what the zone has.
UpdateResult check_permission(const ZoneEdit& edit, const UpdateMessage& update, const UpdateRequester& client,
                              const UpdateAccess& access) {
  if (!may_update(access, client)) return refused(rcode::kRefused, "not allowed");
  auto denied = [&](const WireRecord& record, uint16_t type) {
    return !grants(access, client, update.zone, record.owner, type).allowed;
  };
  for (const WireRecord& record : update.updates) {
    // To remove all of a name, one must be allowed to remove each of its types.
    if (record.cls == rr_class::kAny && record.type == type::kAny && !access.rules.empty()) {
      for (const ZoneRecord& there : edit.records(record.owner)) {
        bool kept = same_name(record.owner, edit.apex()) && (there.type == type::kSoa || there.type == type::kNs);
        if (!kept && denied(record, there.type)) return refused(rcode::kRefused, describe(record) + ": not allowed");
      }
      continue;
    }
    if (denied(record, record.type)) return refused(rcode::kRefused, describe(record) + ": not allowed");
  }
  return {};
}

/// Limits that a rule puts on the records of a type.
std::string beyond_grants(const ZoneEdit& edit, const UpdateMessage& update, const UpdateRequester& client,
                          const UpdateAccess& access) {
  if (access.rules.empty()) return {};
  for (const WireRecord& record : update.updates) {
    if (record.cls != update.cls) continue;
    uint32_t most = grants(access, client, update.zone, record.owner, record.type).most_records;
    if (most != 0 && edit.count(record.owner, record.type) > most) {
      return describe(record) + ": the policy allows " + std::to_string(most);
    }
  }
  return {};
}

}  // namespace

UpdateResult apply_update(ZoneEdit& edit, const UpdateMessage& update, const UpdateRequester& client,
                          const UpdateRules& rules, int64_t now) {
  UpdateResult permission = check_permission(edit, update, client, rules.access);
  if (permission.rcode != rcode::kNoError) return permission;
  if (uint16_t wrong = check_prerequisites(edit, update.prerequisites); wrong != rcode::kNoError) {
    return refused(wrong, "a prerequisite does not hold");
  }
  edit.begin();
  uint32_t serial = edit.serial();
  std::string wrong = Applying(edit, update, rules).run();
  if (wrong.empty()) wrong = beyond_grants(edit, update, client, rules.access);
  if (!wrong.empty()) {
    edit.roll_back();
    return refused(rcode::kRefused, std::move(wrong));
  }
  // RFC 2136 3.6: whoever brings a newer SOA has chosen the serial.
  if (edit.serial() == serial && edit.changed()) edit.set_serial(next_serial(serial, rules.serial_method, now));
  UpdateResult result;
  result.change = edit.commit();
  return result;
}

}  // namespace umaya::named
