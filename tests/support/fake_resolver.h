// NAME    fake_resolver - a table in the place of the name service
//
// SYNOPSIS
//     FakeResolver dns;
//     dns.mx("example.org", 10, "mx.example.org").a("mx.example.org", "127.0.0.1");
//     dns.fail("broken.example", Type::mx, Status::fail);
//
// DESCRIPTION
//     Names that have no record at all do not exist; names that have others have no data.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "libcommon/dns/resolver.h"

namespace umaya::dns {

class FakeResolver : public Resolver {
 public:
  FakeResolver& mx(const std::string& name, uint16_t preference, const std::string& target) {
    Record record{.name = name, .type = Type::mx, .ttl = 60};
    record.preference = preference;
    record.target = target;
    return add(name, std::move(record));
  }
  FakeResolver& a(const std::string& name, const std::string& address) {
    auto parsed = net::IpAddress::parse(address).value();
    Record record{.name = name, .type = parsed.is_v4() ? Type::a : Type::aaaa, .ttl = 60};
    record.address = parsed;
    return add(name, std::move(record));
  }
  FakeResolver& ptr(const std::string& address, const std::string& target) {
    const std::string name = net::IpAddress::parse(address).value().reverse_name();
    Record record{.name = name, .type = Type::ptr, .ttl = 60};
    record.target = target;
    return add(name, std::move(record));
  }
  FakeResolver& fail(const std::string& name, Type type, Status status) {
    failures_[{name, type}] = status;
    return *this;
  }
  /// The answers for this name come with AD.
  FakeResolver& authenticated(const std::string& name) {
    signed_.insert(name);
    return *this;
  }
  /// The TTL of every record of this name, in seconds.
  FakeResolver& ttl(const std::string& name, uint32_t seconds) {
    for (Record& r : records_[name]) r.ttl = seconds;
    return *this;
  }
  FakeResolver& hosts_file(std::string_view text) {
    hosts_ = HostsFile::parse(text);
    return *this;
  }
  ResolvConf& settings() { return conf_; }
  size_t asked = 0;

  event::Task<Answer> query(std::string name, Type type) override {
    ++asked;
    Answer answer;
    answer.name = name;
    answer.type = type;
    auto failure = failures_.find({name, type});
    auto known = records_.find(name);
    answer.status = failure != failures_.end() ? failure->second
                    : known != records_.end()  ? Status::no_data
                                               : Status::no_name;
    if (failure != failures_.end() || known == records_.end()) co_return answer;
    for (const Record& r : known->second) {
      if (r.type == type) answer.records.push_back(r);
    }
    if (!answer.records.empty()) answer.status = Status::found;
    answer.ttl = answer.records.empty() ? 0 : answer.records.front().ttl;
    for (const Record& r : answer.records) answer.ttl = std::min(answer.ttl, r.ttl);
    answer.authenticated = signed_.contains(name);
    co_return answer;
  }
  const ResolvConf& conf() const override { return conf_; }
  const HostsFile& hosts() const override { return hosts_; }

 private:
  FakeResolver& add(const std::string& name, Record record) {
    records_[name].push_back(std::move(record));
    return *this;
  }
  std::map<std::string, std::vector<Record>> records_;
  std::map<std::pair<std::string, Type>, Status> failures_;
  std::set<std::string> signed_;
  ResolvConf conf_ = parse_resolv_conf("", "fake");
  HostsFile hosts_;
};

}  // namespace umaya::dns
