// NAME    fake_internet - name servers that exist in a test only
//
// DESCRIPTION
//     Each address has a function from a question to the packets that come back, in order; none is silence, which
//     makes the test's clock run on. Packets go through the filter of the real sockets. What was asked is written down.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/bytes.h"
#include "libcommon/event/sync.h"
#include "named-lite/answer/writer.h"
#include "named-lite/dns/wire.h"
#include "named-lite/recursion/recursor.h"
#include "named-lite/recursion/reply_filter.h"
#include "tests/named-lite/zone_support.h"

namespace umaya::named::testing {

class FakeClock : public ResolverClock {
 public:
  TimePoint now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  TimePoint now_ = TimePoint(std::chrono::hours(1000));
};

struct SeenQuestion {
  std::string server;
  std::string name;  ///< text, lower case
  uint16_t type;
  bool tcp;
};

class FakeInternet : public Upstream {
 public:
  using Packets = std::vector<std::string>;
  using Server = std::function<Packets(std::string_view packet, bool tcp)>;

  explicit FakeInternet(FakeClock& clock) : clock_(clock) {}

  FakeInternet& serve(const std::string& address, Server server) {
    servers_[address] = std::move(server);
    return *this;
  }
  /// A well-behaved server of zones given as pairs of apex and text.
  FakeInternet& zones(const std::string& address, const std::vector<std::pair<std::string, std::string>>& list) {
    auto held = std::make_shared<Zones>();
    for (const auto& [apex, text] : list) held->add(apex, text);
    return serve(address, [held](std::string_view packet, bool tcp) {
      return Packets{held->raw(packet, tcp ? Transport::tcp : Transport::udp)};
    });
  }
  event::Task<UpstreamReply> exchange(const UpstreamRequest& request) override {
    size_t at = kMessageHeader;
    std::string name;
    expand_name(request.packet, at, request.packet.size(), name);
    last_packet = request.packet;
    last_limit = request.limit;
    asked.push_back({request.server.address.to_string(), Name::from_wire(name).lower().text(),
                     be16_at(request.packet, at), request.over_tcp});
    if (gate != nullptr) co_await gate->wait();
    UpstreamReply result;
    TimePoint begin = clock_.now();
    clock_.advance(std::chrono::milliseconds(10));
    auto found = servers_.find(request.server.address.to_string());
    Packets packets;
    if (found != servers_.end()) packets = found->second(request.packet, request.over_tcp);
    ReplyFilter::Options options;
    options.exact_case = request.exact_case;
    options.client_cookie = request.client_cookie;
    options.most_others = request.most_mismatches;
    ReplyFilter filter(request.packet, options);
    result.status = UpstreamStatus::timed_out;
    result.took = clock_.now() - begin;
    for (const std::string& packet : packets) {
      Verdict verdict = filter.offer(packet);
      if (verdict == Verdict::other) continue;
      result.status = verdict == Verdict::answer ? UpstreamStatus::answered : UpstreamStatus::suspicious;
      break;
    }
    result.mismatches = filter.others();
    if (result.status == UpstreamStatus::answered) result.reply = std::move(filter.reply());
    if (request.over_tcp && !packets.empty() && result.status != UpstreamStatus::answered) {
      result.status = UpstreamStatus::broken;
    }
    if (result.status == UpstreamStatus::timed_out) clock_.advance(request.limit);
    co_return result;
  }

  /// How often a server was asked; a name, too, when it is given.
  size_t count(const std::string& server, const std::string& name = {}) const {
    return static_cast<size_t>(std::count_if(asked.begin(), asked.end(), [&](const SeenQuestion& one) {
      return (server.empty() || one.server == server) && (name.empty() || one.name == name);
    }));
  }
  std::vector<SeenQuestion> asked;
  std::string last_packet;
  Duration last_limit{};
  event::Event* gate = nullptr;  ///< when set: answers come when it is set

 private:
  FakeClock& clock_;
  std::map<std::string, Server> servers_;
};

/// A message to answer a question with, record by record.
class Forged {
 public:
  /// flags: without QR, which is always set.
  explicit Forged(std::string_view question, uint16_t flags = 0x0400) {
    size_t at = kMessageHeader;
    std::string name;
    expand_name(question, at, question.size(), name);
    wire_ = std::string(question.substr(0, at + 4));
    ByteWriter head(head_);
    head.be16(static_cast<uint16_t>(0x8000 | flags));
  }
  Forged& rcode(uint16_t value) {
    head_[1] = static_cast<char>(static_cast<unsigned char>(head_[1]) | value);
    return *this;
  }
  Forged& add(Section section, const std::string& owner, uint16_t type, const std::string& data, uint32_t ttl = 300) {
    std::string& out = sections_[static_cast<size_t>(section)];
    ++counts_[static_cast<size_t>(section)];
    ByteWriter(out).bytes(name(owner).wire()).be16(type).be16(1).be32(ttl).be16(static_cast<uint16_t>(data.size()));
    out += data;
    return *this;
  }
  Forged& a(Section section, const std::string& owner, const std::string& address, uint32_t ttl = 300) {
    return add(section, owner, type::kA, std::string(net::IpAddress::parse(address)->bytes()), ttl);
  }
  Forged& name_record(Section section, const std::string& owner, uint16_t type, const std::string& target,
                      uint32_t ttl = 300) {
    return add(section, owner, type, std::string(name(target).wire()), ttl);
  }
  Forged& soa(const std::string& owner, uint32_t minimum, uint32_t ttl = 300) {
    std::string data(name("m." + owner).wire());
    data += name("r." + owner).wire();
    ByteWriter(data).be32(1).be32(2).be32(3).be32(4).be32(minimum);
    return add(Section::authority, owner, type::kSoa, data, ttl);
  }
  std::string text() const {
    std::string out = wire_;
    out.replace(2, 2, head_);
    out.resize(kMessageHeader);
    std::string counts;
    ByteWriter(counts).be16(1).be16(counts_[0]).be16(counts_[1]).be16(counts_[2]);
    out.replace(4, 8, counts);
    return out + wire_.substr(kMessageHeader) + sections_[0] + sections_[1] + sections_[2];
  }
  operator FakeInternet::Packets() const { return {text()}; }

 private:
  std::string wire_;
  std::string head_;
  std::string sections_[3];
  uint16_t counts_[3] = {0, 0, 0};
};

/// A recursor on a fake internet with a root at 192.0.2.1.
struct Lab {
  FakeClock clock;
  FakeInternet net{clock};
  RecursionSettings settings;
  std::unique_ptr<Recursor> recursor;

  Lab() {
    ViewRecursion view;
    view.hints.push_back({std::string(name("a.root.").wire()), {*net::IpAddress::parse("192.0.2.1")}});
    settings.views.push_back(std::move(view));
    settings.cookies = false;
  }
  Recursor& start() {
    recursor = std::make_unique<Recursor>(settings, net, clock);
    return *recursor;
  }
  RecursiveAnswer raw(const std::string& owner, uint16_t type, bool dnssec_ok = false) {
    if (!recursor) start();
    RecursiveQuestion question{name(owner), type};
    question.dnssec_ok = dnssec_ok;
    return event::run_until_done(recursor->resolve(question));
  }
  /// The answer as a client reads it.
  Answer ask(const std::string& owner, uint16_t type) { return as_message(owner, type, raw(owner, type)); }
  static Answer as_message(const std::string& owner, uint16_t type, const RecursiveAnswer& answer) {
    std::string packet = question(owner, type);
    std::string head = packet.substr(0, 2);
    ByteWriter(head).be16(static_cast<uint16_t>(0x8180 | answer.rcode)).be16(1);
    for (uint16_t count : answer.counts) ByteWriter(head).be16(count);
    for (uint16_t at : answer.ttl_offsets) REQUIRE(at + 4u <= answer.body.size());
    return decode(head + packet.substr(12) + answer.body);
  }
};

inline const std::string kRootZone =
    "$TTL 3600\n@ SOA a.root. r.root. 1 2 3 4 60\n@ NS a.root.\na.root. A 192.0.2.1\n"
    "test. NS ns.test.\nns.test. A 192.0.2.2\nother. NS ns.other.\nns.other. A 192.0.2.9\n";
inline const std::string kTestZone =
    "$TTL 3600\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 192.0.2.2\n"
    "leaf NS ns1.leaf\nleaf NS ns2.leaf\nns1.leaf A 192.0.2.3\nns2.leaf A 192.0.2.4\n"
    "glueless NS ns.hosts.other.\n";
inline const std::string kLeafZone =
    "$TTL 300\n@ SOA ns1 root 1 2 3 4 60\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.3\nns2 A 192.0.2.4\n"
    "@ MX 10 mail\nmail A 198.51.100.1\nwww CNAME mail\nout CNAME www.glueless.test.\n"
    "a.b.c.d A 198.51.100.7\nd2 DNAME d\nloop1 CNAME loop2\nloop2 CNAME loop1\n";
inline const std::string kOtherZone =
    "$TTL 3600\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 192.0.2.9\nns.hosts A 192.0.2.5\n";
inline const std::string kGluelessZone =
    "$TTL 300\n@ SOA ns.hosts.other. root 1 2 3 4 60\n@ NS ns.hosts.other.\nwww A 198.51.100.2\n";

/// Root, two top level domains, a zone with two servers, and one whose server is named elsewhere.
struct Tree : Lab {
  Tree() {
    net.zones("192.0.2.1", {{".", kRootZone}});
    net.zones("192.0.2.2", {{"test.", kTestZone}});
    net.zones("192.0.2.3", {{"leaf.test.", kLeafZone}});
    net.zones("192.0.2.4", {{"leaf.test.", kLeafZone}});
    net.zones("192.0.2.9", {{"other.", kOtherZone}});
    net.zones("192.0.2.5", {{"glueless.test.", kGluelessZone}});
  }
};

/// Both servers of leaf.test. behave like this one.
inline void leaf(Tree& tree, const FakeInternet::Server& server) {
  tree.net.serve("192.0.2.3", server);
  tree.net.serve("192.0.2.4", server);
}

inline std::string asked_name(std::string_view packet) {
  size_t at = kMessageHeader;
  std::string wire;
  expand_name(packet, at, packet.size(), wire);
  return Name::from_wire(wire).lower().text();
}

inline uint16_t asked_type(std::string_view packet) {
  size_t at = kMessageHeader;
  std::string wire;
  expand_name(packet, at, packet.size(), wire);
  return be16_at(packet, at);
}

}  // namespace umaya::named::testing
