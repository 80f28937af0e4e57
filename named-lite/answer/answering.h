// NAME    answering - one question on its way through the zones
//
// DESCRIPTION
//     The steps of RFC 1034 4.3.2. A step looks the current name up in one zone; an alias or a DNAME leads to the next.
//     answer.cc holds the steps, sections.cc what stands in the authority and additional sections beside an answer.
//
// OWNERSHIP
//     Lives for one question.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "named-lite/answer/answer.h"
#include "named-lite/answer/writer.h"

namespace umaya::named {

class Answering {
 public:
  Answering(const Query& query, std::string_view packet, const AnswerContext& context, std::span<char> out,
            size_t limit);

  size_t run();

 private:
  static constexpr size_t kMostAdditional = 13;  // names; more only helps an attacker (CVE-2024-11187)
  enum class Next : unsigned char { done, follow };
  enum class Glue : unsigned char { optional, required };
  /// Whose addresses: of names that the zone has authority for; of a referral's names below the cut, or its others.
  enum class Hosts : unsigned char { ours, below_cut, others };

  /// Names whose addresses are to be added, and those that are there.
  struct Additional {
    std::array<const Node*, kMostAdditional> done;
    size_t count = 0;
  };

  uint16_t refusal() const;
  void refuse(uint16_t rcode, uint16_t extended);
  void look_up();
  const ServedZone* zone_of(const SuffixHashes& hashes) const;
  bool came_here_before(uint64_t hash);
  Next step(const SuffixHashes& hashes, const ZoneImage& image);
  Next from_node(const ZoneImage& image, const Node& node);
  Next any(const ZoneImage& image, const Node& node);
  Next positive(const ZoneImage& image, const Node& node, const RrsetEntry& entry);
  Next alias(const ZoneImage& image, const Node& node, const RrsetEntry& entry);
  Next redirect(const ZoneImage& image, const Node& node);
  Next referral(const ZoneImage& image, const Node& cut);
  Next negative(const ZoneImage& image, const Node& source, uint16_t rcode);
  Next cut_short();
  void now_at(size_t name_offset, const Name& name);

  /// Pointer to the ancestor of the current name that has this many octets.
  uint16_t ancestor_pointer(size_t size) const;
  bool leaves_out_authority() const;
  bool leaves_out_additional(const ZoneImage& image, const Node& node, uint16_t type) const;
  size_t first_record(const ZoneImage& image, const Node& node, const RrsetEntry& entry) const;
  bool append(Section section, const ZoneImage& image, const Node& node, const RrsetEntry& entry, uint16_t owner);
  void beside(const ZoneImage& image, const Node& node, const RrsetEntry& entry, size_t first);
  bool additional(const ZoneImage& image, const Node& owner, const RrsetEntry& entry, size_t first, Additional& names,
                  Glue glue);
  bool add_hosts(const ZoneImage& image, const Node& owner, const RrsetEntry& entry, size_t first, Additional& names,
                 Hosts which);
  bool addresses(const ZoneImage& image, const Node& node, size_t name_offset);
  const Node* wildcard_host(const ZoneImage& image, size_t name_offset) const;

  const Query& query_;
  const AnswerContext& context_;
  const AnswerConf& settings_;
  Writer writer_;
  AnswerReport report_;
  std::string_view name_;           // the current one, lower case
  std::string_view spelled_;        // the same as it was written
  Name followed_, followed_lower_;  // hold them after the first step
  size_t name_offset_ = Writer::kHeader;
  const ServedZone* first_zone_ = nullptr;
  const Node* answered_ = nullptr;  // whose set of the type that was asked for is the answer
  size_t steps_ = 0;
  std::array<uint64_t, kMostSteps + 1> been_;  // hashes of the names so far
  std::array<const Node*, kMostSteps + 1> dnames_;
  size_t dname_count_ = 0;
};

}  // namespace umaya::named
