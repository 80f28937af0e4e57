#include "named-lite/config/peer_conf.h"

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

template <auto Member, uint64_t Least, uint64_t Most>
void read_optional_number(const Reading& reading, const Statement& statement, PeerConf& peer) {
  if (auto value = reading.number(statement, 1, Least, Most)) {
    peer.*Member = static_cast<typename Type<Member>::value_type>(*value);
  }
}

void read_keys(const Reading& reading, const Statement& statement, PeerConf& peer) {
  // keys { name; }; and keys name; are the same.
  const Part* block = statement.block();
  if (block != nullptr && block->block.size() != 1) {
    return reading.error(statement, 0, "a server has one key", "keys { \"name\"; };");
  }
  std::string_view text = block != nullptr ? block->block[0].word(0) : statement.word(1);
  auto name = Name::from_text(text);
  if (!name || text.empty() || find_key(reading.keys, name->lower().wire()) == nullptr) {
    return reading.error(statement, 1, "there is no key \"" + std::string(text) + "\"");
  }
  peer.key = name->lower();
}

void read_format(const Reading& reading, const Statement& statement, PeerConf& peer) {
  static constexpr Choice<TransferFormat> kFormats[] = {{"many-answers", TransferFormat::many_answers},
                                                        {"one-answer", TransferFormat::one_answer}};
  if (auto format = choose(reading, statement, 1, kFormats)) peer.format = *format;
}

template <SourceAddresses PeerConf::*Member, net::Family Family>
void read_peer_source(const Reading& reading, const Statement& statement, PeerConf& peer) {
  SourceAddresses& source = peer.*Member;
  read_source(reading, statement, Family, Family == net::Family::ipv4 ? source.ipv4 : source.ipv6);
}

/// Reads it and says that nothing acts on it yet.
template <auto Read>
void read_unused(const Reading& reading, const Statement& statement, PeerConf& peer) {
  size_t before = reading.problems.errors();
  Read(reading, statement, peer);
  if (reading.problems.errors() != before || iequals(statement.word(1), "no")) return;
  reading.problems.warning(statement.place(),
                           "\"" + statement.name() + "\" of a server has no effect in named-lite yet");
}

/// What BIND knows and nothing here does.
void read_without_effect(const Reading& reading, const Statement& statement, PeerConf&) {
  reading.problems.warning(statement.place(), "\"" + statement.name() + "\" has no effect in named-lite");
}

using P = PeerConf;
using enum net::Family;

constexpr Setting<PeerConf> kSettings[] = {
    {"bogus", read_flag<&P::bogus>},
    {"edns", read_flag<&P::edns>},
    {"edns-udp-size", read_optional_number<&P::edns_udp_size, 512, 4096>},
    {"edns-version", read_without_effect},
    {"keys", read_keys},
    {"max-udp-size", read_unused<read_optional_number<&P::max_udp_size, 512, 4096>>},
    {"notify-source", read_peer_source<&P::notify_source, ipv4>},
    {"notify-source-v6", read_peer_source<&P::notify_source, ipv6>},
    {"padding", read_without_effect},
    {"provide-ixfr", read_flag<&P::provide_ixfr>},
    {"query-source", read_unused<read_peer_source<&P::query_source, ipv4>>},
    {"query-source-v6", read_unused<read_peer_source<&P::query_source, ipv6>>},
    {"request-expire", read_flag<&P::request_expire>},
    {"request-ixfr", read_flag<&P::request_ixfr>},
    {"request-nsid", read_unused<read_flag<&P::request_nsid>>},
    {"require-cookie", read_without_effect},
    {"send-cookie", read_flag<&P::send_cookie>},
    {"support-ixfr", read_without_effect},
    {"tcp-keepalive", read_without_effect},
    {"tcp-only", read_flag<&P::tcp_only>},
    {"transfer-format", read_format},
    {"transfer-source", read_peer_source<&P::transfer_source, ipv4>},
    {"transfer-source-v6", read_peer_source<&P::transfer_source, ipv6>},
    {"transfers", read_optional_number<&P::transfers, 0, 10000>},
};

}  // namespace

void read_peer(const Reading& reading, const Statement& statement, Peers& peers) {
  std::string why;
  auto network = net::Network::parse(statement.word(1), &why);
  const Part* block = statement.block();
  if (!network || block == nullptr) {
    return reading.error(statement, 1,
                         "server needs an address or network and a block" + (why.empty() ? "" : ": " + why),
                         "server 192.0.2.1 { bogus yes; };");
  }
  PeerConf peer;
  peer.network = *network;
  for (const Statement& each : block->block) {
    if (apply_setting<PeerConf>(kSettings, reading, each, peer)) continue;
    reading.error(each, 0, "\"" + each.name() + "\" is no statement of a server");
  }
  peers.push_back(std::move(peer));
}

void add_peer_keys(const Peers& peers, std::vector<RemoteServer>& servers) {
  for (RemoteServer& server : servers) {
    const PeerConf* peer = server.key ? nullptr : find_peer(peers, server.at.address);
    if (peer != nullptr && peer->key) server.key = peer->key;
  }
}

const PeerConf* find_peer(const Peers& peers, const net::IpAddress& address) {
  const PeerConf* best = nullptr;
  for (const PeerConf& peer : peers) {
    if (!peer.network.contains(address)) continue;
    if (best == nullptr || peer.network.prefix() > best->network.prefix()) best = &peer;
  }
  return best;
}

}  // namespace umaya::named
