// ldap: parameters, connecting, logging in. The search is in ldap_search.cc.
#include <sys/time.h>

#include <algorithm>

#include "libcommon/base/strings.h"
#include "libcommon/databases/ldap_engine.h"

namespace umaya::databases {

int await_result(LDAP* directory, int request, int seconds, MessagePtr& result) {
  timeval limit{seconds, 0};
  LDAPMessage* raw = nullptr;
  int type = ldap_result(directory, request, LDAP_MSG_ALL, &limit, &raw);
  result.reset(raw);
  if (type == 0) {
    ldap_abandon_ext(directory, request, nullptr, nullptr);
    return LDAP_TIMEOUT;
  }
  int code = LDAP_SUCCESS;
  if (type < 0) {
    ldap_get_option(directory, LDAP_OPT_RESULT_CODE, &code);
    return code == LDAP_SUCCESS ? LDAP_OTHER : code;
  }
  int status = ldap_parse_result(directory, raw, &code, nullptr, nullptr, nullptr, nullptr, 0);
  return status != LDAP_SUCCESS ? status : code;
}

int LdapEngine::set_tls_options(LDAP* directory) const {
  if (!tls.start && !tls.ldaps) return LDAP_SUCCESS;
  const std::pair<int, const std::string*> texts[] = {
      {LDAP_OPT_X_TLS_CACERTFILE, &tls.authorities_file}, {LDAP_OPT_X_TLS_CACERTDIR, &tls.authorities_directory},
      {LDAP_OPT_X_TLS_CERTFILE, &tls.certificate},        {LDAP_OPT_X_TLS_KEYFILE, &tls.key},
      {LDAP_OPT_X_TLS_CIPHER_SUITE, &tls.ciphers},        {LDAP_OPT_X_TLS_RANDOM_FILE, &tls.random_file}};
  for (const auto& [option, text] : texts) {
    if (text->empty()) continue;
    if (int code = ldap_set_option(directory, option, text->c_str()); code != LDAP_SUCCESS) return code;
  }
  const int verify = tls.verify ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER, is_server = 0;
  if (int code = ldap_set_option(directory, LDAP_OPT_X_TLS_REQUIRE_CERT, &verify); code != LDAP_SUCCESS) return code;
  return ldap_set_option(directory, LDAP_OPT_X_TLS_NEWCTX, &is_server);
}

int LdapEngine::set_options(LDAP* directory) const {
  timeval limit{timeout, 0};
  ldap_set_option(directory, LDAP_OPT_NETWORK_TIMEOUT, &limit);
  ldap_set_option(directory, LDAP_OPT_TIMEOUT, &limit);
  ldap_set_option(directory, LDAP_OPT_PROTOCOL_VERSION, &version);
  ldap_set_option(directory, LDAP_OPT_SIZELIMIT, &size_limit);
  ldap_set_option(directory, LDAP_OPT_DEREF, &dereference);
  ldap_set_option(directory, LDAP_OPT_REFERRALS, chase_referrals ? LDAP_OPT_ON : LDAP_OPT_OFF);
  ldap_set_option(directory, LDAP_OPT_RESTART, LDAP_OPT_ON);
  if (int code = set_tls_options(directory); code != LDAP_SUCCESS) return code;
  return tls.start ? ldap_start_tls_s(directory, nullptr, nullptr) : LDAP_SUCCESS;
}

int LdapEngine::log_in(LDAP* directory) const {
  if (bind == Bind::none) return LDAP_SUCCESS;
  std::string secret(bind == Bind::simple ? bind_password.reveal() : std::string_view());
  berval credentials{secret.size(), secret.data()};
  int request = 0;
  const bool is_simple = bind == Bind::simple;
  int code = ldap_sasl_bind(directory, is_simple ? bind_name.c_str() : nullptr,
                            is_simple ? LDAP_SASL_SIMPLE : "EXTERNAL", &credentials, nullptr, nullptr, &request);
  explicit_bzero(secret.data(), secret.size());
  MessagePtr result;
  return code != LDAP_SUCCESS ? code : await_result(directory, request, timeout, result);
}

Result<std::unique_ptr<Connection>> LdapEngine::connect(const Host& host) const {
  LDAP* raw = nullptr;
  if (int code = ldap_initialize(&raw, host.name.c_str()); code != LDAP_SUCCESS) {
    return temporary(std::string("connect: ") + ldap_err2string(code));
  }
  DirectoryPtr directory(raw);
  if (int code = set_options(raw); code != LDAP_SUCCESS) {
    return temporary(std::string(tls.start ? "STARTTLS: " : "TLS options: ") + ldap_err2string(code));
  }
  if (int code = log_in(raw); code != LDAP_SUCCESS) {
    std::string name = bind_name.empty() ? "an empty name" : bind_name;
    return temporary("bind with " + name + ": " + ldap_err2string(code));
  }
  return std::make_unique<LdapConnection>(*this, std::move(directory));
}

namespace {

Result<Host> directory_host(const Parameters& parameters, const std::string& word, int64_t port, LdapEngine& engine) {
  Host host;
  host.name = word;
  if (ldap_is_ldap_url(word.c_str()) == 0) {
    host.name = "ldap://" + word + (word.rfind(':') == std::string::npos ? ":" + std::to_string(port) : "");
  }
  LDAPURLDesc* raw = nullptr;
  if (ldap_url_parse(host.name.c_str(), &raw) != LDAP_URL_SUCCESS) {
    return parameters.bad("server_host", "has \"" + printable(word) + "\", which is no LDAP URL");
  }
  std::unique_ptr<LDAPURLDesc, void (*)(LDAPURLDesc*)> url(raw, ldap_free_urldesc);
  engine.tls.ldaps = engine.tls.ldaps || iequals(url->lud_scheme, "ldaps");
  host.shown = host.name;
  return host;
}

Result<> read_hosts(const Parameters& parameters, LdapEngine& engine) {
  UMAYA_TRY(int64_t port, parameters.number("server_port", LDAP_PORT, 1, 65535));
  for (const std::string& word : parameters.words("server_host", "localhost")) {
    UMAYA_TRY(Host host, directory_host(parameters, word, port, engine));
    engine.hosts.push_back(std::move(host));
  }
  if (engine.hosts.empty()) return parameters.bad("server_host", "must not be empty");
  return {};
}

Result<> read_templates(const Parameters& parameters, LdapEngine& engine) {
  bool has_new_name = parameters.has("result_format") || !parameters.has("result_filter");
  UMAYA_TRY(engine.plan, LookupPlan::from(parameters, has_new_name ? "result_format" : "result_filter"));
  auto base = Template::parse(parameters.text("search_base"), Syntax::plain);
  if (!base) return parameters.bad("search_base", base.error().what);
  auto filter = Template::parse(parameters.text("query_filter", "(mailacceptinggeneralid=%s)"), Syntax::plain);
  if (!filter) return parameters.bad("query_filter", filter.error().what);
  engine.base = std::move(*base);
  engine.filter = std::move(*filter);
  for (const Template* part : {&engine.base, &engine.filter}) {
    engine.plan.needs.add(part->needs());
    engine.plan.needs.add(part->key_needs());
  }
  return {};
}

AttributeNames read_attributes(const Parameters& parameters) {
  AttributeNames out;
  auto add = [&](std::string_view parameter, std::string_view otherwise) {
    for (std::string& word : parameters.words(parameter, otherwise)) out.names.push_back(std::move(word));
    return out.names.size();
  };
  out.terminal = add("terminal_result_attribute", "");
  out.leaf = add("leaf_result_attribute", "") - out.terminal;
  out.results = add("result_attribute", "maildrop");
  add("special_result_attribute", "");
  return out;
}

Result<> read_bind(const Parameters& parameters, LdapEngine& engine) {
  std::string bind = to_lower(parameters.text("bind", "yes"));
  if (bind == "yes" || bind == "simple") {
    engine.bind = Bind::simple;
  } else if (bind == "no" || bind == "none") {
    engine.bind = Bind::none;
  } else if (bind == "sasl" && iequals(parameters.text("sasl_mechs"), "EXTERNAL")) {
    engine.bind = Bind::external;
  } else if (bind == "sasl") {
    return parameters.bad("bind", "= sasl needs sasl_mechs = EXTERNAL, the only mechanism that is supported");
  } else {
    return parameters.bad("bind", "must be none, simple or sasl");
  }
  engine.bind_name = parameters.text("bind_dn");
  engine.bind_password = Secret(parameters.text("bind_pw"));
  return {};
}

Result<> read_tls(const Parameters& parameters, LdapEngine& engine) {
  LdapTls& tls = engine.tls;
  UMAYA_TRY(tls.start, parameters.flag("start_tls", false));
  UMAYA_TRY(tls.verify, parameters.flag("tls_require_cert", false));
  tls.authorities_file = parameters.text("tls_ca_cert_file");
  tls.authorities_directory = parameters.text("tls_ca_cert_dir");
  tls.certificate = parameters.text("tls_cert");
  tls.key = parameters.text("tls_key");
  tls.ciphers = parameters.text("tls_cipher_suite");
  tls.random_file = parameters.text("tls_random_file");
  engine.files = {tls.authorities_file, tls.authorities_directory, tls.certificate, tls.key};
  return {};
}

Result<> read_scope(const Parameters& parameters, LdapEngine& engine) {
  constexpr std::pair<std::string_view, int> kScopes[] = {
      {"sub", LDAP_SCOPE_SUBTREE}, {"one", LDAP_SCOPE_ONELEVEL}, {"base", LDAP_SCOPE_BASE}};
  std::string word = to_lower(parameters.text("scope", "sub"));
  auto row = std::find_if(std::begin(kScopes), std::end(kScopes), [&](const auto& s) { return s.first == word; });
  if (row == std::end(kScopes)) return parameters.bad("scope", "must be sub, one or base");
  engine.scope = row->second;
  return {};
}

Result<> read_numbers(const Parameters& parameters, LdapEngine& engine) {
  UMAYA_TRY(int64_t version, parameters.number("version", LDAP_VERSION3, LDAP_VERSION2, LDAP_VERSION3));
  // TLS and sockets of this machine exist in version 3 only.
  bool is_old = version == LDAP_VERSION2 && !engine.tls.ldaps && !engine.tls.start;
  engine.version = is_old ? LDAP_VERSION2 : LDAP_VERSION3;
  UMAYA_TRY(int64_t timeout, parameters.number("timeout", 10, 1, 3600));
  UMAYA_TRY(int64_t size, parameters.number("size_limit", engine.plan.expansion_limit, 0));
  UMAYA_TRY(int64_t recursion, parameters.number("recursion_limit", 1000, 1));
  UMAYA_TRY(int64_t dereference, parameters.number("dereference", 0, 0, 3));
  UMAYA_TRY(int64_t idle, parameters.number("idle_interval", 60, 1));
  UMAYA_TRY(int64_t retry, parameters.number("retry_interval", 60, 1));
  UMAYA_TRY(engine.chase_referrals, parameters.flag("chase_referrals", false));
  engine.timeout = static_cast<int>(timeout);
  engine.size_limit = static_cast<int>(size);
  engine.recursion_limit = static_cast<size_t>(recursion);
  engine.dereference = static_cast<int>(dereference);
  engine.idle_interval = std::chrono::seconds(idle);
  engine.retry_interval = std::chrono::seconds(retry);
  return {};
}

}  // namespace

Result<EnginePtr> make_ldap(const Parameters& parameters) {
  auto engine = std::make_shared<LdapEngine>();
  engine->order = HostOrder::listed;
  engine->attributes = read_attributes(parameters);
  UMAYA_CHECK(read_templates(parameters, *engine));
  UMAYA_CHECK(read_hosts(parameters, *engine));
  UMAYA_CHECK(read_scope(parameters, *engine));
  UMAYA_CHECK(read_bind(parameters, *engine));
  UMAYA_CHECK(read_tls(parameters, *engine));
  UMAYA_CHECK(read_numbers(parameters, *engine));
  return engine;
}

}  // namespace umaya::databases
