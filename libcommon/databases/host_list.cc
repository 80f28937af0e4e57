#include "libcommon/databases/host_list.h"

#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"

namespace umaya::databases {
namespace {

Host parse_host(std::string_view word, HostStyle style) {
  Host host;
  if (style == HostStyle::pgsql && (word.starts_with("postgresql:") || word.starts_with("postgres:"))) {
    host.kind = Host::Kind::uri;
    host.name = word;
    // Only what stands between user:password@ and the path is shown.
    size_t begin = word.find("//");
    std::string_view rest = begin == std::string_view::npos ? std::string_view() : word.substr(begin + 2);
    rest = rest.substr(0, rest.find_first_of("/?"));
    if (size_t at = rest.rfind('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
    host.shown = std::string(word.substr(0, word.find(':'))) + "://" + std::string(rest);
    return host;
  }
  host.shown = word;
  bool is_unix = word.starts_with("unix:");
  if (is_unix || word.starts_with("inet:")) word.remove_prefix(5);
  size_t colon = word.rfind(':');
  if (colon != std::string_view::npos) {
    host.port = word.substr(colon + 1);
    word = word.substr(0, colon);
  }
  host.name = word;
  if (host.name.starts_with('[') && host.name.ends_with(']')) host.name = host.name.substr(1, host.name.size() - 2);
  if (style == HostStyle::pgsql) {
    is_unix = host.name.empty() || host.name.starts_with('/');
  } else if (iequals(host.name, "localhost")) {
    is_unix = true;  // as MySQL has it: the socket of this machine
    host.name.clear();
  }
  host.kind = is_unix ? Host::Kind::local : Host::Kind::network;
  return host;
}

}  // namespace

std::vector<Host> parse_hosts(const std::vector<std::string>& words, HostStyle style) {
  std::vector<Host> out;
  for (const std::string& word : words) out.push_back(parse_host(word, style));
  return out;
}

HostChooser::HostChooser(const std::vector<Host>& hosts, HostOrder order, Duration retry)
    : down_until_(hosts.size()), order_(order), retry_(retry) {
  for (const Host& host : hosts) kinds_.push_back(host.kind);
}

std::optional<size_t> HostChooser::choose(const std::vector<bool>& tried, TimePoint now) const {
  std::vector<size_t> best;
  for (size_t i = 0; i < kinds_.size(); ++i) {
    if (tried[i] || is_down(i, now)) continue;
    if (order_ == HostOrder::listed) return i;
    if (!best.empty() && kinds_[i] < kinds_[best.front()]) best.clear();
    if (best.empty() || kinds_[i] == kinds_[best.front()]) best.push_back(i);
  }
  if (best.empty()) return {};
  return best[best.size() == 1 ? 0 : random_below(best.size())];
}

}  // namespace umaya::databases
