// NAME    zone_support - zones and questions for the tests of named-lite
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "named-lite/answer/answer.h"
#include "named-lite/dns/types.h"
#include "named-lite/zone/checker.h"
#include "named-lite/zone/zone_text.h"

namespace umaya::named::testing {

inline Name name(const std::string& text) {
  return *Name::from_text(text);
}

struct Checked {
  Problems problems;
  std::unique_ptr<ZoneImage> image;

  /// The texts of all problems, joined by newlines.
  std::string text() const {
    std::string all;
    for (const Problem& problem : problems.all()) all += problem.text() + "\n";
    return all;
  }
};

inline Checked check(const std::string& apex, const std::string& text, OpenFile open = {},
                     const CheckPolicy& policy = {}) {
  Checked result;
  ZoneTextOptions options{name(apex), std::move(open)};
  RecordList records = parse_zone_text(text, "z", options, result.problems);
  std::vector<uint32_t> nodes;
  result.image = std::make_unique<ZoneImage>(compile_zone(records, 7, &nodes));
  check_zone(records, *result.image, result.problems, policy, nodes);
  result.problems.sort();
  return result;
}

/// Wire form of a question.
inline std::string question(const std::string& owner, uint16_t type, uint16_t flags = 0, uint16_t cls = 1) {
  auto be16 = [](uint16_t v) { return std::string{static_cast<char>(v >> 8), static_cast<char>(v)}; };
  return be16(0x1234) + be16(flags) + be16(1) + be16(0) + be16(0) + be16(0) + std::string(name(owner).wire()) +
         be16(type) + be16(cls);
}
/// An OPT record; with it the number of additional records must become 1.
inline std::string with_edns(std::string packet, uint16_t size, uint32_t ttl = 0, const std::string& options = {}) {
  packet[11] = static_cast<char>(packet[11] + 1);
  auto put = [&](uint32_t v, int octets) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) packet.push_back(static_cast<char>(v >> shift));
  };
  packet.push_back('\0');
  put(41, 2);
  put(size, 2);
  put(ttl, 4);
  put(static_cast<uint32_t>(options.size()), 2);
  return packet + options;
}

/// An answer taken apart.
struct Answer {
  uint16_t rcode = 0;
  bool authoritative = false, truncated = false, has_edns = false;
  std::string options;                   ///< of the OPT record, in wire form
  std::vector<std::string> sections[3];  ///< "owner type data", lower case
  size_t size = 0;
};

inline Name expand(std::string_view packet, size_t& at) {
  std::string wire;
  size_t p = at;
  bool jumped = false;
  while (true) {
    REQUIRE(p < packet.size());
    auto length = static_cast<unsigned char>(packet[p]);
    if (length >= 0xC0) {
      if (!jumped) at = p + 2;
      size_t target = static_cast<size_t>(length & 0x3F) << 8 | static_cast<unsigned char>(packet[p + 1]);
      REQUIRE(target < p);  // pointers lead backwards only
      p = target;
      jumped = true;
      continue;
    }
    wire += packet.substr(p, 1 + static_cast<size_t>(length));
    p += 1 + static_cast<size_t>(length);
    if (length == 0) break;
  }
  if (!jumped) at = p;
  REQUIRE(wire.size() <= kMaxName);
  return Name::from_wire(wire);
}

inline Answer decode(std::string_view packet) {
  Answer answer;
  answer.size = packet.size();
  auto be16 = [&](size_t at) {
    return static_cast<uint16_t>(static_cast<unsigned char>(packet[at]) << 8 |
                                 static_cast<unsigned char>(packet[at + 1]));
  };
  REQUIRE(packet.size() >= 12);
  uint16_t flags = be16(2);
  REQUIRE((flags & 0x8000) != 0);
  answer.rcode = flags & 15;
  answer.authoritative = (flags & 0x0400) != 0;
  answer.truncated = (flags & 0x0200) != 0;
  size_t at = 12;
  for (int i = 0; i < be16(4); ++i) {
    expand(packet, at);
    at += 4;
  }
  for (int section = 0; section < 3; ++section) {
    for (int i = 0; i < be16(6 + 2 * static_cast<size_t>(section)); ++i) {
      Name owner = expand(packet, at);
      uint16_t type = be16(at);
      size_t length = be16(at + 8);
      size_t data = at + 10;
      at = data + length;
      REQUIRE(at <= packet.size());
      if (type == type::kOpt) {
        answer.has_edns = true;
        answer.rcode = static_cast<uint16_t>(answer.rcode | static_cast<unsigned char>(packet[data - 6]) << 4);
        answer.options = packet.substr(data, length);
        continue;
      }
      std::string line = owner.lower().text() + " " + type_text(type);
      if (type == type::kA) {
        for (size_t k = 0; k < 4; ++k)
          line += (k == 0 ? " " : ".") + std::to_string(static_cast<unsigned char>(packet[data + k]));
      } else if (int offset = target_offset(type);
                 (offset >= 0 && type < 64) || type == type::kCname || type == type::kPtr) {
        size_t p = data + static_cast<size_t>(std::max(offset, 0));
        if (type == type::kMx) line += " " + std::to_string(be16(data));
        line += " " + expand(packet, p).text();
        REQUIRE(p == at);
      } else if (type == type::kSoa) {
        size_t p = data;
        expand(packet, p);
        expand(packet, p);
        REQUIRE(p + 20 == at);
      }
      answer.sections[section].push_back(line);
    }
  }
  REQUIRE(at == packet.size());
  return answer;
}

inline AnswerConf without_authority() {
  AnswerConf settings;
  settings.minimal = MinimalResponses::no_auth;
  return settings;
}

/// A catalog of zones given as text. Answers are without name servers beside them unless a test says otherwise.
class Zones {
 public:
  AnswerConf settings = without_authority();
  uint32_t turn = 0;
  bool one_zone = false;
  Zones& add(const std::string& apex, const std::string& text) {
    Problems problems;
    ZoneTextOptions options{name(apex), {}};
    RecordList records = parse_zone_text(text, "z", options, problems);
    auto image = std::make_shared<const ZoneImage>(compile_zone(records, catalog_.seed()));
    check_zone(records, *image, problems);
    for (const Problem& problem : problems.all()) INFO(problem.text());
    REQUIRE_FALSE(problems.has_errors());
    catalog_.add({std::string(name(apex).lower().wire()), std::move(image)});
    return *this;
  }
  std::string raw(std::string_view packet, Transport transport = Transport::udp) {
    std::string out(kMostAnswer, '\0');
    AnswerContext context;
    context.catalog = &catalog_;
    context.transport = transport;
    context.settings = &settings;
    context.turn = turn;
    context.one_zone = one_zone;
    out.resize(answer_packet(packet, context, out));
    return out;
  }
  const Catalog& catalog() const { return catalog_; }
  Answer ask(const std::string& owner, uint16_t type, Transport transport = Transport::udp) {
    return decode(raw(question(owner, type), transport));
  }

 private:
  Catalog catalog_{7};
};

using Lines = std::vector<std::string>;

}  // namespace umaya::named::testing
