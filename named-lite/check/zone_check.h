// NAME    zone_check - the checks of one zone, in parts
//
// DESCRIPTION
//     Inside of check_zone(): what the single checks share. RecordChecks looks at each record by itself and at the set
//     that it belongs to, TargetChecks at the names in its data, WholeChecks at what is to be seen only from above.
//
// OWNERSHIP
//     All parts borrow from the CheckedZone.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "named-lite/check/check_policy.h"
#include "named-lite/zone/image.h"
#include "named-lite/zone/problem.h"
#include "named-lite/zone/record_text.h"

namespace umaya::named {

/// More octets of one set than a message of 64 KiB can hold beside header, question and OPT record.
inline constexpr size_t kMostSetSize = 65535 - 12 - (kMaxName + 4) - 11;

struct CheckedZone {
  const RecordList& list;
  const ZoneImage& image;
  Problems& problems;
  const CheckPolicy& policy;

  /// The node of a name; nullptr when there is none.
  const Node* node_of(std::string_view wire) const;
  /// The node of a name, or the nearest one above it; nullptr outside of the zone.
  const Node* encloser_of(std::string_view wire) const;
  std::string text(std::string_view wire) const { return relative_text(wire, list.apex()); }
  bool is_apex(std::string_view wire) const;

  void error(const Record& record, std::string what, std::string cure = {}) const;
  void warn(const Record& record, std::string what, std::string cure = {}) const;
  void report(CheckAction action, const Record& record, std::string what, std::string cure = {}) const;
};

class TargetChecks {
 public:
  explicit TargetChecks(const CheckedZone& zone) : zone_(zone) {}
  /// An NS, MX or SRV.
  void target(const Record& record) const;
  void alias(const Record& record) const;

 private:
  bool at_address(const Record& record, std::string_view name) const;
  bool at_alias(const Record& record, std::string_view name, const Node* node) const;
  void without_address(const Record& record, std::string_view name, const Node* node) const;
  std::string alias_target(std::string_view alias) const;

  const CheckedZone& zone_;
};

class RecordChecks {
 public:
  RecordChecks(const CheckedZone& zone, std::span<const uint32_t> nodes) : zone_(zone), nodes_(nodes), targets_(zone) {}
  void run();

 private:
  void record(const Record& record, const Node* node);
  void soa(const Record& record);
  void owner_name(const Record& record) const;
  void cname(const Record& record, const Node& node) const;
  void remember(const Record& record, const Node& node);
  void sets() const;
  void set(const RrsetEntry& entry, const std::vector<const Record*>& records) const;
  void apex() const;
  const Node* node_for(size_t number);

  const CheckedZone& zone_;
  std::span<const uint32_t> nodes_;
  TargetChecks targets_;
  const Record* soa_ = nullptr;
  const Record* misplaced_ns_ = nullptr;  // an NS for a host, in a zone whose apex may have none
  size_t apex_ns_ = 0;
  const Record* before_ = nullptr;  // whose node is node_
  const Node* node_ = nullptr;
  // Sets of more than one record, in the order in which they begin. A set's first record is in first_ only.
  std::vector<const RrsetEntry*> order_;
  std::unordered_map<const RrsetEntry*, std::vector<const Record*>> sets_;
  std::vector<uint32_t> first_;  // by place of the entry: number of its first record + 1
};

class WholeChecks {
 public:
  explicit WholeChecks(const CheckedZone& zone) : zone_(zone) {}
  void run() const;
  void reverse() const;

 private:
  void limits() const;
  void serial(const Record& soa) const;
  void wildcards() const;
  void hidden_by(const Record& wildcard, const std::vector<std::string>& names) const;
  void spf() const;
  size_t spf_lookups(std::string_view name, int depth) const;

  const CheckedZone& zone_;
};

/// The first octet that no host name may hold (RFC 1123 2.1), 0 when there is none. A label `*` is let pass.
char bad_host_octet(std::string_view wire);

}  // namespace umaya::named
