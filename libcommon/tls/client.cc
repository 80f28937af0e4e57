#include "libcommon/tls/client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "libcommon/log/log.h"
#include "libcommon/tls/client_hello.h"
#include "libcommon/tls/identity/certificates.h"
#include "libcommon/tls/remote_key.h"

namespace umaya::tls {

using event::Task;

namespace {

constexpr size_t kMostNames = 1000;                       // of a certificate that are looked at
constexpr Duration kLookAfter = std::chrono::seconds(2);  // whether our certificate was replaced

/// The common name that counts where a certificate has no DNS names; empty when it is not one plain text.
std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  return out;
}

/// Whether one of the certificate's names is wanted: its DNS names, or without any its common name (RFC 6125 6.4.4).
bool has_wanted_name(const X509* certificate, const std::vector<std::string>& wanted, Wildcards wildcards) {
  struct NamesFree {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  };
  const std::unique_ptr<GENERAL_NAMES, NamesFree> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  bool any = false;
  const size_t count = names ? static_cast<size_t>(sk_GENERAL_NAME_num(names.get())) : 0;
  for (size_t i = 0; i < std::min(count, kMostNames); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), static_cast<int>(i));
    if (name->type != GEN_DNS) continue;
    any = true;
    const ASN1_IA5STRING* text = name->d.dNSName;
    const std::string_view value(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                 static_cast<size_t>(ASN1_STRING_length(text)));
    if (matches_name(value, wanted, wildcards)) return true;
  }
  return !any && matches_name(common_name(certificate), wanted, wildcards);
}

/// The issuer of the last certificate that the server sent: the one that nobody here knows.
std::string unknown_issuer(SSL* ssl) {
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  if (!chain || sk_X509_num(chain) == 0) return "unknown";
  char text[256] = "";
  X509_NAME_oneline(X509_get_issuer_name(sk_X509_value(chain, sk_X509_num(chain) - 1)), text, sizeof text);
  return printable(text);
}

/// Why a chain is not good, in Postfix's words.
std::string trouble_of(SSL* ssl, long verdict) {
  switch (verdict) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "self-signed certificate";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "untrusted issuer " + unknown_issuer(ssl);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "certificate not yet valid";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "certificate has expired";
    case X509_V_ERR_INVALID_PURPOSE:
      return "not designated for use as a server certificate";
    default:
      return "num=" + std::to_string(verdict) + ':' + X509_verify_cert_error_string(verdict);
  }
}

/// RFC 9266 for TLS 1.3, else RFC 5929 3 where the extended master secret makes it safe (RFC 7627 5.4).
void bind_channel(SSL* ssl, ClientConnection& out) {
  if (!out.info.channel_binding.empty()) {
    out.binding_type = "tls-exporter";
    out.binding = out.info.channel_binding;
  }
  if (SSL_version(ssl) >= TLS1_3_VERSION) return;
  if (!SSL_get_extms_support(ssl)) return;
  char bytes[EVP_MAX_MD_SIZE];
  const bool resumed = SSL_session_reused(ssl);  // then the server's is the first Finished message
  const size_t size =
      resumed ? SSL_get_peer_finished(ssl, bytes, sizeof bytes) : SSL_get_finished(ssl, bytes, sizeof bytes);
  if (size == 0 || size > sizeof bytes) return;
  out.binding_type = "tls-unique";
  out.binding.assign(bytes, size);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(word).push_back('\n');
  return out;
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view text) {
  if (text.empty() || text == "0" || iequals(text, "none")) return LogLevel::none;
  if (text == "1" || iequals(text, "routine")) return LogLevel::summary;
  if (text == "2" || iequals(text, "debug")) return LogLevel::certificates;
  if (text == "3" || text == "4" || iequals(text, "ssl-expert") || iequals(text, "ssl-developer")) {
    return LogLevel::debug;
  }
  return permanent("\"" + std::string(text) + "\": use 0 to 4");
}

std::string ClientRequest::identity() const {
  std::string out(level_name(level));
  for (const std::string* part : {&protocols, &ciphers, &exclude, &server_name}) out.append("\n").append(*part);
  return out + '\n' + joined(match);
}

Client::Client(ClientSettings settings)
    : settings_(std::move(settings)), tlsmgr_(settings_.tlsmgr), sessions_(settings_.session_limit) {}

Result<std::unique_ptr<Client>> Client::open(ClientSettings settings) {
  std::unique_ptr<Client> client(new Client(std::move(settings)));
  UMAYA_CHECK(client->load());
  return client;
}

Result<> Client::load() {
  UMAYA_TRY(digest_, find_digest(settings_.fingerprint_digest));
  UMAYA_TRY(trust_, make_context(settings_.common, Role::client));
  if (!settings_.trust_anchor_files.empty()) return load_anchors();
  return load_trust(trust_.get(), settings_.ca_file, settings_.ca_path, settings_.common.append_default_ca);
}

/// Every certificate of these files is trusted as it is, whoever has issued it.
Result<> Client::load_anchors() {
  X509_STORE* store = SSL_CTX_get_cert_store(trust_.get());
  for (const std::string& file : settings_.trust_anchor_files) {
    const SourceFile source = read_source(file);
    if (source.sys_errno != 0) return permanent("open " + file + ": " + strerror(source.sys_errno));
    const auto certificates = certificates_in(source.text);
    if (certificates.empty()) return permanent(file + " holds no certificate");
    for (const CertificatePtr& certificate : certificates) X509_STORE_add_cert(store, certificate.get());
  }
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

Result<ContextPtr> Client::make_context_for(const ClientRequest& request) {
  UMAYA_TRY(ContextPtr context, make_context(settings_.common, Role::client));
  UMAYA_TRY(const Protocols protocols, parse_protocols(request.protocols));
  set_protocols(context.get(), protocols);
  UMAYA_TRY(const std::string ciphers, cipher_list(settings_.common, request.ciphers, request.exclude));
  // Who does not check the server takes any encryption for better than none.
  if (!must_match(request.level)) SSL_CTX_set_security_level(context.get(), 0);
  UMAYA_CHECK(set_ciphers(context.get(), ciphers));
  SSL_CTX_set1_cert_store(context.get(), SSL_CTX_get_cert_store(trust_.get()));
  SSL_CTX_set_verify_depth(context.get(), settings_.verify_depth);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // judge() decides
  if (!chains_.empty()) UMAYA_CHECK(install_chains(context.get(), chains_));
  sessions_.watch(context.get());
  return context;
}

Result<SSL_CTX*> Client::context_for(const ClientRequest& request) {
  const std::string key = (must_match(request.level) ? "match\n" : "any\n") + request.protocols + '\n' +
                          request.ciphers + '\n' + request.exclude;
  if (auto known = contexts_.find(key); known != contexts_.end()) return known->second.get();
  UMAYA_TRY(ContextPtr context, make_context_for(request));
  if (contexts_.size() >= kMostContexts) contexts_.clear();  // connections keep theirs
  SSL_CTX* out = context.get();
  contexts_[key] = std::move(context);
  return out;
}

Result<SslPtr> Client::prepare(const ClientRequest& request, int fd) {
  UMAYA_TRY(SSL_CTX * context, context_for(request));
  ERR_clear_error();
  SslPtr ssl(SSL_new(context));
  if (!ssl) return temporary("TLS: " + openssl_errors());
  SSL_set_connect_state(ssl.get());
  const std::string name = valid_server_name(request.server_name);
  if (!name.empty()) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  sessions_.begin(ssl.get(), request.peer + '\n' + request.identity());
  UMAYA_CHECK(attach(ssl.get(), fd));
  return ssl;
}

/// Puts what tlsmgr has answered in the place of what was there; trouble is said once.
void Client::take_identity(Result<IdentityAnswer> answer) {
  std::string trouble = answer ? answer->trouble : answer.error().what;
  if (answer && answer->found == IdentityFound::yes) {
    chains_ = std::move(answer->chains);
    chains_mark_ = std::move(answer->mark);
    contexts_.clear();  // connections keep theirs
  }
  if (!trouble.empty() && trouble != complaint_) log::warning("no client certificate: {}", trouble);
  complaint_ = std::move(trouble);
}

/// Our own certificate, not older than kLookAfter.
Task<void> Client::refresh_identity() {
  if (settings_.identity.empty() || monotonic_now() < chains_looked_at_ + kLookAfter) co_return;
  chains_looked_at_ = monotonic_now();
  IdentityQuery query;
  query.name = settings_.identity.name();
  query.known = chains_mark_;
  Result<IdentityAnswer> answer = co_await tlsmgr_.identity(std::move(query));
  take_identity(std::move(answer));
}

Task<Result<ClientConnection>> Client::connect(event::Stream* stream, ClientRequest request, Duration limit) {
  if (request.log >= LogLevel::certificates) log::info("setting up TLS connection to {}", request.peer);
  co_await refresh_identity();
  RemoteSigner signer(tlsmgr_);
  Result<SslPtr> ssl = prepare(request, stream->fd());
  if (!ssl) {
    log::warning("TLS connection to {}: {}", request.peer, ssl.error().what);
    co_return std::unexpected(std::move(ssl.error()));
  }
  HandshakeHelper* helper = chains_.empty() ? nullptr : &signer;
  Result<void> done = co_await handshake(stream, ssl->get(), monotonic_now() + limit, helper);
  if (!done) {
    const bool by_library = done.error().sys_errno == 0;
    log::info("SSL_connect error to {}: {}", request.peer, by_library ? "-1" : done.error().what);
    if (by_library) log::warning("TLS library problem: {}", done.error().what);
    co_return std::unexpected(std::move(done.error()));
  }
  ClientConnection connection = finish(ssl->get(), request);
  stream->set_transport(std::make_unique<Transport>(std::move(*ssl)));
  co_return connection;
}

ClientConnection Client::finish(SSL* ssl, const ClientRequest& request) const {
  ClientConnection out;
  out.info = inspect(ssl, digest_);
  judge(ssl, request, out.info.peer);
  bind_channel(ssl, out);
  out.has_certificate = !chains_.empty();
  log_summary(out.info, request, false);
  return out;
}

/// What the certificate is worth to this request.
void Client::judge(SSL* ssl, const ClientRequest& request, PeerCertificate& peer) const {
  if (!peer.present) return;
  const long verdict = SSL_get_verify_result(ssl);
  bool matched = false;
  if (request.level == ClientLevel::fingerprint) {
    matched = matches_fingerprint(peer.fingerprint, request.match) ||
              matches_fingerprint(peer.public_key_fingerprint, request.match);
    if (!matched) peer.trouble = "no matching fingerprint";
  } else if (verdict != X509_V_OK) {
    peer.trouble = trouble_of(ssl, verdict);
  } else if (is_by_name(request.level)) {
    matched = has_wanted_name(SSL_get0_peer_certificate(ssl), request.match, settings_.wildcards);
    if (!matched) peer.trouble = trouble_of(ssl, X509_V_ERR_HOSTNAME_MISMATCH);
  }
  if (matched) peer.trust = Trust::verified;
  if (request.log >= LogLevel::certificates) {
    log::info("{}: subject_CN={}, issuer_CN={}, fingerprint={}, pkey_fingerprint={}", request.peer, peer.subject_cn,
              peer.issuer_cn, peer.fingerprint, peer.public_key_fingerprint);
  }
  const bool tell = must_match(request.level) || request.log >= LogLevel::certificates;
  if (tell && !peer.trouble.empty()) {
    log::info("certificate verification failed for {}: {}", request.peer, peer.trouble);
  }
}

void Client::log_summary(const SessionInfo& info, const ClientRequest& request, bool reused) {
  if (request.log < LogLevel::summary) return;
  log::info("{} TLS connection {} to {}: {}", trust_word(info), reused ? "reused" : "established", request.peer,
            describe(info));
}

}  // namespace umaya::tls
