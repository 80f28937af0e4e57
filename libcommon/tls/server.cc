#include "libcommon/tls/server.h"

#include <fmt/format.h>
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "libcommon/base/fd.h"
#include "libcommon/log/log.h"
#include "libcommon/tls/client_hello.h"
#include "libcommon/tls/remote_key.h"

namespace umaya::tls {

using event::Task;
using namespace std::chrono_literals;

/// A certificate is compared with tlsmgr's this often at most.
static constexpr Duration kLookAfter = 2s;
/// A name that no table has is asked for again after this.
static constexpr Duration kForgetName = 10s;

bool kernel_tls() {
  static const bool there = [] {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    constexpr char kName[] = "tls";
    // A kernel that has it says that the socket is not connected.
    return fd && (::setsockopt(fd.get(), SOL_TCP, TCP_ULP, kName, sizeof kName) == 0 || errno == ENOTCONN);
  }();
  return there;
}

/// One handshake: chooses the certificate by the client's first message.
class Acceptor : public RemoteSigner {
 public:
  explicit Acceptor(Server& server) : RemoteSigner(server.tlsmgr_), server_(server) {}
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  Task<Result<void>> help(int ssl_error) override {
    if (ssl_error != SSL_ERROR_WANT_CLIENT_HELLO_CB) co_return co_await RemoteSigner::help(ssl_error);
    asked_ = true;
    co_return co_await server_.find_name(name_);
  }

  int on_client_hello(SSL* ssl) {
    if (!server_.settings_.has_names) return SSL_CLIENT_HELLO_SUCCESS;
    if (!asked_) name_ = server_name_of(ssl);
    if (name_.empty()) return SSL_CLIENT_HELLO_SUCCESS;
    if (!server_.knows(name_) && !asked_) return SSL_CLIENT_HELLO_RETRY;
    if (SSL_CTX* context = server_.context_of(name_)) SSL_set_SSL_CTX(ssl, context);
    return SSL_CLIENT_HELLO_SUCCESS;
  }

  static int index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
  }
  static int client_hello(SSL* ssl, int*, void*) {
    auto* self = static_cast<Acceptor*>(SSL_get_ex_data(ssl, index()));
    return self ? self->on_client_hello(ssl) : SSL_CLIENT_HELLO_SUCCESS;
  }
  static int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                             unsigned in_size, void* own) {
    const auto& alpn = *static_cast<const std::string*>(own);
    auto* chosen = const_cast<unsigned char**>(out);
    int found = SSL_select_next_proto(chosen, out_size, reinterpret_cast<const unsigned char*>(alpn.data()),
                                      static_cast<unsigned>(alpn.size()), in, in_size);
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

 private:
  static std::string server_name_of(SSL* ssl) {
    const unsigned char* body = nullptr;
    size_t size = 0;
    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &body, &size)) return {};
    return parse_server_name({body, size});
  }

  Server& server_;
  std::string name_;
  bool asked_ = false;
};

namespace {

/// Whatever is wrong with a client's certificate, the caller decides what it is worth.
int accept_any(int, X509_STORE_CTX*) {
  return 1;
}

/// Names as they stand in the extension: each behind its length (RFC 7301 3.1).
std::string alpn_form(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out.append(1, static_cast<char>(name.size())).append(name);
  return out;
}

Result<void> set_dh(SSL_CTX* context, const std::string& file) {
  if (file.empty()) return {};
  if (iequals(file, "auto")) {
    SSL_CTX_set_dh_auto(context, 1);
    return {};
  }
  std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new_file(file.c_str(), "r"), &BIO_free);
  EVP_PKEY* group = in ? PEM_read_bio_Parameters(in.get(), nullptr) : nullptr;
  if (group && SSL_CTX_set0_tmp_dh_pkey(context, group) == 1) return {};
  EVP_PKEY_free(group);
  return permanent("cannot use the group in " + file + ": " + openssl_errors() + "; write auto");
}

/// first: the context of this process that has read the authorities already; null: this is the first.
Result<void> ask_for_certificates(SSL_CTX* context, const ServerSettings& settings, SSL_CTX* first) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
  SSL_CTX_set_verify_depth(context, static_cast<int>(settings.verify_depth));
  if (first) {
    SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(first));
    if (const auto* names = SSL_CTX_get_client_CA_list(first))
      SSL_CTX_set_client_CA_list(context, SSL_dup_CA_list(names));
    return {};
  }
  UMAYA_CHECK(load_trust(context, settings.ca_file, settings.ca_path, settings.common.append_default_ca));
  if (!settings.ca_file.empty()) {
    if (auto* names = SSL_load_client_CA_file(settings.ca_file.c_str())) SSL_CTX_set_client_CA_list(context, names);
  }
  return {};
}

}  // namespace

Server::Server(ServerSettings settings, std::string socket, std::string service, std::vector<std::string> alpn)
    : settings_(std::move(settings)),
      service_(std::move(service)),
      alpn_(alpn_form(alpn)),
      tlsmgr_(std::move(socket)),
      tickets_(tlsmgr_, service_, settings_.session_lifetime, settings_.ticket_cipher) {}

Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(const ServerSettings& settings, std::string socket, std::string service,
                                             std::vector<std::string> alpn) {
  std::unique_ptr<Server> server(new Server(settings, std::move(socket), std::move(service), std::move(alpn)));
  UMAYA_CHECK(server->load());
  return server;
}

Result<void> Server::load() {
  UMAYA_TRY(digest_, find_digest(settings_.fingerprint_digest));
  UMAYA_TRY(blank_, make_server_context());
  return {};
}

Result<ContextPtr> Server::make_server_context() {
  UMAYA_TRY(ContextPtr context, make_context(settings_.common, Role::server));
  SSL_CTX* c = context.get();
  if (!iequals(settings_.eecdh_grade, "auto")) {
    UMAYA_TRY(std::string groups, groups_of(settings_.common, settings_.eecdh_grade));
    UMAYA_CHECK(set_groups(c, groups));
  }
  set_protocols(c, settings_.protocols);
  UMAYA_CHECK(set_ciphers(c, settings_.ciphers));
  UMAYA_CHECK(set_dh(c, settings_.dh_file));
  if (settings_.ask_certificate) {
    UMAYA_CHECK(ask_for_certificates(c, settings_, blank_.get()));
  } else {
    // No authority is loaded that could complete a chain: OpenSSL need not look for one in each handshake.
    SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN);
  }
  if (kernel_tls()) SSL_CTX_set_options(c, SSL_OP_ENABLE_KTLS);
  tickets_.install(c);
  SSL_CTX_set_client_hello_cb(c, Acceptor::client_hello, nullptr);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(c, Acceptor::choose_protocol, &alpn_);
  return context;
}

/// Puts what tlsmgr has answered in the place of what was there.
Result<void> Server::take(Identity& identity, IdentityAnswer& answer) {
  if (answer.found == IdentityFound::unchanged) return {};
  if (answer.found == IdentityFound::failed) return temporary(answer.trouble);
  if (answer.found == IdentityFound::none) {
    identity.context.reset();
    identity.mark.clear();
    return {};
  }
  UMAYA_TRY(ContextPtr context, make_server_context());
  UMAYA_CHECK(install_chains(context.get(), answer.chains));
  identity.context = std::move(context);
  identity.mark = std::move(answer.mark);
  return {};
}

/// Says it once.
void Server::complain(const std::string& trouble) {
  if (trouble == complaint_) return;
  complaint_ = trouble;
  log::warning("TLS is not available: {}", trouble);
}

/// The service's own certificate, not older than kLookAfter.
Task<Result<void>> Server::refresh() {
  bool fresh = monotonic_now() - own_.looked_at < kLookAfter;
  if (own_.context && (fresh || refreshing_)) co_return Result<void>{};
  struct Flag {
    bool& flag;
    explicit Flag(bool& f) : flag(f) { flag = true; }
    ~Flag() { flag = false; }
  } flag(refreshing_);
  IdentityQuery query;
  query.name = settings_.files.name();
  query.known = own_.context ? own_.mark : "";
  Result<IdentityAnswer> answer = co_await tlsmgr_.identity(std::move(query));
  own_.looked_at = monotonic_now();
  Result<void> taken = answer ? take(own_, *answer) : std::unexpected(answer.error());
  if (!taken && !own_.context) {
    complain(taken.error().what);
    co_return taken;
  }
  if (!own_.context) co_return temporary("no certificate");
  if (taken) complaint_.clear();
  co_return Result<void>{};
}

Task<bool> Server::ready() {
  Result<void> have = co_await refresh();
  co_return have.has_value();
}

bool Server::knows(const std::string& name) const {
  auto it = names_.find(name);
  if (it == names_.end()) return false;
  return monotonic_now() - it->second.looked_at < (it->second.context ? kLookAfter : kForgetName);
}

SSL_CTX* Server::context_of(const std::string& name) {
  auto it = names_.find(name);
  return it == names_.end() ? nullptr : it->second.context.get();
}

/// Drops what was asked for longest ago, first of the names that no table has.
void Server::make_room() {
  if (names_.size() < kServerNames) return;
  auto older = [](const auto& a, const auto& b) {
    bool a_is = a.second.context != nullptr, b_is = b.second.context != nullptr;
    return a_is != b_is ? b_is : a.second.looked_at < b.second.looked_at;
  };
  names_.erase(std::min_element(names_.begin(), names_.end(), older));
}

/// Looks for the certificate of a server name. That none can be had is no error: the client gets the service's own.
Task<Result<void>> Server::find_name(std::string name) {
  IdentityQuery query;
  query.kind = IdentityKind::server_name;
  query.name = name;
  if (auto it = names_.find(name); it != names_.end()) query.known = it->second.mark;
  Result<IdentityAnswer> answer = co_await tlsmgr_.identity(std::move(query));
  if (!answer) co_return std::unexpected(answer.error());
  if (!names_.contains(name)) make_room();
  Identity& identity = names_[name];
  identity.looked_at = monotonic_now();
  Result<void> taken = take(identity, *answer);
  if (!taken) log::warning("certificate for {}: {}", name, taken.error().what);
  co_return Result<void>{};
}

Task<Result<SessionInfo>> Server::accept(event::Stream* stream, Duration limit, Received received) {
  TimePoint deadline = monotonic_now() + limit;
  Result<void> have = co_await refresh();
  if (!have) co_return std::unexpected(have.error());
  co_await tickets_.refresh();
  ERR_clear_error();
  SslPtr ssl(SSL_new(own_.context.get()));
  if (!ssl) co_return temporary("TLS: " + openssl_errors());
  std::string early(received == Received::use ? stream->buffered() : std::string_view());
  UMAYA_CO_CHECK(attach(ssl.get(), stream->fd(), early));
  SSL_set_accept_state(ssl.get());
  Acceptor acceptor(*this);
  SSL_set_ex_data(ssl.get(), Acceptor::index(), &acceptor);
  if (tickets_.keys().empty()) {
    SSL_set_options(ssl.get(), SSL_OP_NO_TICKET);
    SSL_set_num_tickets(ssl.get(), 0);
  }
  Tickets::use(ssl.get(), &tickets_);
  Result<void> done = co_await handshake(stream, ssl.get(), deadline, &acceptor);
  SSL_set_ex_data(ssl.get(), Acceptor::index(), nullptr);
  Tickets::use(ssl.get(), nullptr);
  if (!acceptor.trouble().empty()) log::warning("no signature from tlsmgr: {}", acceptor.trouble());
  if (!done) co_return std::unexpected(done.error());
  SessionInfo info = inspect(ssl.get(), digest_, settings_.detail);
  stream->set_transport(std::make_unique<Transport>(std::move(ssl)));
  co_return info;
}

void Server::log_session(const SessionInfo& info, std::string_view client) const {
  if (settings_.log_level < 1) return;
  const PeerCertificate& peer = info.peer;
  if (peer.present) {
    log::info("{}: subject_CN={}, issuer_CN={}, fingerprint={}, pkey_fingerprint={}", client, peer.subject_cn,
              peer.issuer_cn, peer.fingerprint, peer.public_key_fingerprint);
    if (!peer.trouble.empty()) log::info("certificate verification failed for {}: {}", client, peer.trouble);
  }
  std::string to = info.server_name.empty() ? "" : " to " + info.server_name;
  log::info("{} TLS connection established from {}{}: {}", trust_word(info), client, to, describe(info));
}

void log_refusal(const Error& error, std::string_view client) {
  bool protocol = error.sys_errno == 0 && error.what.starts_with("error:");
  if (!protocol) {
    std::string_view why = error.what;
    if (size_t colon = why.rfind(": "); error.sys_errno != 0 && colon != std::string_view::npos)
      why = why.substr(colon + 2);
    log::info("SSL_accept error from {}: {}", client, why);
    return;
  }
  log::info("SSL_accept error from {}: -1", client);
  log::warning("TLS library problem: {}:", error.what);
}

}  // namespace umaya::tls
