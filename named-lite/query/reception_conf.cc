#include "named-lite/query/reception_conf.h"

#include <algorithm>

namespace umaya::named {

ReceptionConf reception_conf(const ServerAnswerConf& conf, const CookieSecret& secret) {
  ReceptionConf result;
  result.edns.identity = conf.server_id.value_or("");
  result.edns.answer_cookie = conf.answer_cookie;
  result.edns.keepalive = static_cast<uint16_t>(conf.tcp_advertised_timeout.count() / 100);
  result.chaos.version = conf.version.value_or("named-lite");
  result.chaos.hostname = conf.hostname ? *conf.hostname : name_of_host();
  result.chaos.identity = conf.server_id.value_or("");
  for (const std::string& each : conf.cookie_secrets) {
    if (each.size() == secret.size()) std::copy(each.begin(), each.end(), result.cookie_secrets.emplace_back().begin());
  }
  if (result.cookie_secrets.empty()) result.cookie_secrets.push_back(secret);
  return result;
}

}  // namespace umaya::named
