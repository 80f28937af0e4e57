#include "libcommon/dns/resolv_conf.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "libcommon/base/fd.h"
#include "libcommon/dns/name.h"

namespace umaya::dns {

namespace {

constexpr uint16_t kDnsPort = 53;
constexpr size_t kMaxServers = 8;
constexpr size_t kMaxSearch = 16;
constexpr size_t kMaxFile = 4 * 1024 * 1024;
constexpr size_t kMaxHostsLines = 65536;

Result<std::string> read_small_file(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return sys_error("open " + path);
  std::string text;
  char block[16384];
  for (ssize_t n; (n = ::read(fd.get(), block, sizeof block)) != 0;) {
    if (n < 0) return sys_error("read " + path);
    text.append(block, static_cast<size_t>(n));
    if (text.size() > kMaxFile) return temporary(path + ": larger than 4 MiB");
  }
  return text;
}

// Calls f(line, number) for each line; comment characters end a line.
template <class F>
void for_each_line(std::string_view text, std::string_view comment_characters, F f) {
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = trim(line.substr(0, line.find_first_of(comment_characters)));
    if (!line.empty()) f(line, number);
  }
}

class Parser {
 public:
  Parser(ResolvConf& conf, std::string_view path) : conf_(conf), path_(path) {}

  void line(std::string_view line, size_t number) {
    number_ = number;
    auto words = split(line, " \t\r");
    std::string_view keyword = words.front();
    words.erase(words.begin());
    if (keyword == "nameserver") {
      nameserver(words);
    } else if (keyword == "search" || keyword == "domain") {
      search(words);
    } else if (keyword == "options") {
      for (std::string_view word : words) option(word);
    } else if (keyword != "sortlist" && keyword != "lookup" && keyword != "family") {
      warn("\"" + std::string(keyword) + "\" is not a keyword of resolv.conf(5)");
    }
  }

 private:
  void nameserver(const std::vector<std::string_view>& words) {
    if (words.empty()) return warn("nameserver needs an address");
    std::optional<net::Endpoint> server;
    if (words[0].front() == '[') server = net::Endpoint::parse(words[0]);
    if (!server) {
      if (auto address = net::IpAddress::parse_literal(words[0])) server = net::Endpoint{*address, kDnsPort};
    }
    if (!server || server->port == 0) {
      return warn("\"" + std::string(words[0]) + "\" is not an address or [address]:port");
    }
    if (conf_.servers.size() >= kMaxServers) return warn("only the first 8 name servers are used");
    conf_.servers.push_back(*server);
  }

  // The last search or domain line counts.
  void search(const std::vector<std::string_view>& words) {
    conf_.search.clear();
    for (std::string_view word : words) {
      std::string domain = canonical_name(word);
      if (domain == ".") continue;
      if (!valid_hostname(domain)) {
        warn("\"" + std::string(word) + "\" is not a domain name");
      } else if (conf_.search.size() < kMaxSearch) {
        conf_.search.push_back(std::move(domain));
      }
    }
  }

  void option(std::string_view word) {
    size_t colon = word.find(':');
    std::string_view name = word.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::nullopt : parse_uint(word.substr(colon + 1));
    if (name == "ndots" && value) {
      conf_.ndots = static_cast<int>(std::min<uint64_t>(*value, 15));
    } else if (name == "timeout" && value) {
      conf_.timeout = std::chrono::seconds(std::clamp<uint64_t>(*value, 1, 30));
    } else if (name == "attempts" && value) {
      conf_.attempts = static_cast<int>(std::clamp<uint64_t>(*value, 1, 5));
    } else if (name == "ndots" || name == "timeout" || name == "attempts") {
      warn("option \"" + std::string(word) + "\" needs a number, as in \"" + std::string(name) + ":2\"");
    } else if (name == "rotate") {
      conf_.rotate = true;
    } else if (name == "use-vc") {
      conf_.use_tcp = true;
    } else if (name == "trust-ad") {
      conf_.trust_ad = true;
    } else if (name == "no-aaaa") {
      conf_.no_aaaa = true;
    } else if (!is_other_option(name)) {
      warn("\"" + std::string(word) + "\" is not an option of resolv.conf(5)");
    }
  }

  // Options of the C library that mean nothing here.
  static bool is_other_option(std::string_view name) {
    static constexpr std::string_view kOther[] = {
        "debug",     "no-check-names", "inet6",      "edns0",         "no-tld-query",          "single-request",
        "no-reload", "ip6-bytestring", "ip6-dotint", "no-ip6-dotint", "single-request-reopen", "no_tld_query"};
    return std::ranges::find(kOther, name) != std::end(kOther);
  }

  void warn(std::string text) {
    if (conf_.warnings.size() < 20) {
      conf_.warnings.push_back(std::string(path_) + ":" + std::to_string(number_) + ": " + std::move(text));
    }
  }

  ResolvConf& conf_;
  std::string_view path_;
  size_t number_ = 0;
};

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text, std::string_view path, std::string_view host_name) {
  ResolvConf conf;
  Parser parser(conf, path);
  // resolv.conf(5): comments start in the first column, but nothing else may hold # or ; either.
  for_each_line(text, "#;", [&](std::string_view line, size_t number) { parser.line(line, number); });
  if (conf.servers.empty()) conf.servers.push_back({*net::IpAddress::parse("127.0.0.1"), kDnsPort});
  size_t dot = host_name.find('.');
  if (conf.search.empty() && dot != std::string_view::npos && valid_hostname(host_name.substr(dot + 1))) {
    conf.search.push_back(canonical_name(host_name.substr(dot + 1)));
  }
  return conf;
}

Result<ResolvConf> load_resolv_conf(const std::string& path) {
  char host_name[256] = "";
  if (gethostname(host_name, sizeof host_name - 1) != 0) host_name[0] = '\0';
  auto text = read_small_file(path);
  if (!text && text.error().sys_errno == ENOENT) return parse_resolv_conf("", path, host_name);
  if (!text) return std::unexpected(std::move(text).error());
  return parse_resolv_conf(*text, path, host_name);
}

std::vector<std::string> search_names(const ResolvConf& conf, std::string_view name) {
  std::string bare = canonical_name(name);
  if (name.ends_with('.') && name.size() > 1) return {bare};
  const bool as_is_first = std::ranges::count(bare, '.') >= conf.ndots;
  std::vector<std::string> names;
  if (as_is_first) names.push_back(bare);
  for (const std::string& domain : conf.search) names.push_back(bare + '.' + domain);
  if (!as_is_first) names.push_back(bare);
  return names;
}

HostsFile HostsFile::parse(std::string_view text) {
  HostsFile hosts;
  for_each_line(text, "#", [&](std::string_view line, size_t) {
    auto words = split(line, " \t\r");
    auto address = net::IpAddress::parse(words.front());
    if (!address || words.size() < 2 || hosts.lines_.size() >= kMaxHostsLines) return;
    Line entry{*address, {}};
    for (size_t i = 1; i < words.size(); ++i) entry.names.push_back(canonical_name(words[i]));
    hosts.lines_.push_back(std::move(entry));
  });
  return hosts;
}

HostsFile HostsFile::load(const std::string& path) {
  auto text = read_small_file(path);
  return text ? parse(*text) : HostsFile{};
}

std::vector<net::IpAddress> HostsFile::addresses(std::string_view name) const {
  std::vector<net::IpAddress> found;
  const std::string wanted = canonical_name(name);
  for (const Line& line : lines_) {
    if (std::ranges::find(line.names, wanted) == line.names.end()) continue;
    if (std::ranges::find(found, line.address) == found.end()) found.push_back(line.address);
  }
  return found;
}

std::string HostsFile::name_of(const net::IpAddress& address) const {
  for (const Line& line : lines_) {
    if (line.address == address) return line.names.front();
  }
  return {};
}

}  // namespace umaya::dns
