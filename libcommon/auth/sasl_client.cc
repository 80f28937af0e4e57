#include "libcommon/auth/sasl_client.h"

#include <openssl/hmac.h>

#include <algorithm>

#include "libcommon/auth/sasl.h"
#include "libcommon/base/strings.h"

namespace umaya::auth {

namespace {

Secret secret(std::string text) {
  return Secret(std::move(text));
}

/// RFC 4616.
class PlainClient : public SaslClient {
 public:
  explicit PlainClient(SaslCredentials credentials) : credentials_(std::move(credentials)) {}
  std::string_view name() const override { return "PLAIN"; }
  std::optional<Secret> initial() override { return message(); }
  /// A server that did not take the initial response asks for it with an empty challenge.
  Result<Secret> respond(std::string_view challenge) override {
    if (asked_ || !challenge.empty()) return permanent("the server asks for more than PLAIN has");
    return message();
  }

 private:
  Secret message() {
    asked_ = true;
    return secret(make_sasl_plain(credentials_.user, credentials_.password.reveal()));
  }
  SaslCredentials credentials_;
  bool asked_ = false;
};

/// The user's name, then the password, whatever the prompts say.
class LoginClient : public SaslClient {
 public:
  explicit LoginClient(SaslCredentials credentials) : credentials_(std::move(credentials)) {}
  std::string_view name() const override { return "LOGIN"; }
  Result<Secret> respond(std::string_view) override {
    switch (steps_++) {
      case 0:
        return secret(credentials_.user);
      case 1:
        return secret(std::string(credentials_.password.reveal()));
      default:
        return permanent("the server asks for more than LOGIN has");
    }
  }

 private:
  SaslCredentials credentials_;
  int steps_ = 0;
};

/// RFC 2195.
class CramMd5Client : public SaslClient {
 public:
  explicit CramMd5Client(SaslCredentials credentials) : credentials_(std::move(credentials)) {}
  std::string_view name() const override { return "CRAM-MD5"; }
  Result<Secret> respond(std::string_view challenge) override {
    if (answered_ || challenge.empty()) return permanent("the challenge of CRAM-MD5 is empty or comes twice");
    answered_ = true;
    const std::string_view key = credentials_.password.reveal();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!HMAC(EVP_md5(), key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char*>(challenge.data()), challenge.size(), digest, &size)) {
      return permanent("this system does not allow MD5");
    }
    return secret(credentials_.user + ' ' + hex_encode({reinterpret_cast<char*>(digest), size}));
  }

 private:
  SaslCredentials credentials_;
  bool answered_ = false;
};

/// RFC 4422 appendix A: the certificate says who we are, the message whom we want to be.
class ExternalClient : public SaslClient {
 public:
  explicit ExternalClient(std::string user) : user_(std::move(user)) {}
  std::string_view name() const override { return "EXTERNAL"; }
  std::optional<Secret> initial() override { return secret(user_); }
  Result<Secret> respond(std::string_view) override { return permanent("the server asks for more than EXTERNAL has"); }

 private:
  std::string user_;
};

struct Kind {
  std::string_view name;
  uint8_t breaks;  // the options that refuse it
};

// The strongest first.
constexpr uint8_t kScramBreaks = kNoDictionary | kForwardSecrecy;
constexpr Kind kKinds[] = {
    {"EXTERNAL", kNoActive | kMutualAuth | kForwardSecrecy},
    {"SCRAM-SHA-256-PLUS", kScramBreaks},
    {"SCRAM-SHA-1-PLUS", kScramBreaks},
    {"SCRAM-SHA-256", kScramBreaks},
    {"SCRAM-SHA-1", kScramBreaks},
    {"CRAM-MD5", kNoActive | kNoDictionary | kMutualAuth | kForwardSecrecy},
    {"PLAIN", kNoPlaintext | kNoActive | kNoDictionary | kMutualAuth | kForwardSecrecy},
    {"LOGIN", kNoPlaintext | kNoActive | kNoDictionary | kMutualAuth | kForwardSecrecy},
};

bool offers(const SaslOffer& offer, std::string_view name) {
  return std::ranges::find(offer.offered, name) != offer.offered.end();
}

bool may_use(const SaslOffer& offer, const Kind& kind, const SaslCredentials& credentials) {
  if (!offers(offer, kind.name) || (kind.breaks & offer.refuse) != 0) return false;
  if (offer.allowed && !offer.allowed(kind.name)) return false;
  if (kind.name == "EXTERNAL") return offer.has_certificate && credentials.password.empty();
  return !kind.name.ends_with("-PLUS") || !offer.binding.type.empty();
}

/// RFC 5802 6: "y" tells a server that we would have bound the channel, had it offered that: an attacker who has struck
/// -PLUS from the list is found out. "n": we cannot, or may not.
std::string_view gs2_flag(const SaslOffer& offer, std::string_view mechanism) {
  if (mechanism.ends_with("-PLUS")) return "p";
  const bool offered = offers(offer, "SCRAM-SHA-256-PLUS") || offers(offer, "SCRAM-SHA-1-PLUS");
  return offer.binding.type.empty() || offered ? "n" : "y";
}

std::unique_ptr<SaslClient> make_client(const SaslOffer& offer, std::string_view name, SaslCredentials credentials) {
  if (name == "EXTERNAL") return std::make_unique<ExternalClient>(std::move(credentials.user));
  if (name == "CRAM-MD5") return std::make_unique<CramMd5Client>(std::move(credentials));
  if (name == "PLAIN") return std::make_unique<PlainClient>(std::move(credentials));
  if (name == "LOGIN") return std::make_unique<LoginClient>(std::move(credentials));
  ChannelBinding binding = name.ends_with("-PLUS") ? offer.binding : ChannelBinding{};
  return make_scram_client(name, std::move(credentials), std::move(binding), gs2_flag(offer, name));
}

}  // namespace

Result<uint8_t> parse_sasl_options(std::span<const std::string> words) {
  struct Option {
    std::string_view word;
    SaslRefusal bit;
  };
  constexpr Option kOptions[] = {{"noplaintext", kNoPlaintext},   {"noactive", kNoActive},
                                 {"nodictionary", kNoDictionary}, {"noanonymous", kNoAnonymous},
                                 {"mutual_auth", kMutualAuth},    {"forward_secrecy", kForwardSecrecy}};
  unsigned out = 0;
  for (const std::string& word : words) {
    const Option* option = std::ranges::find_if(kOptions, [&](const Option& o) { return iequals(o.word, word); });
    if (option == std::end(kOptions)) {
      return permanent("\"" + word +
                       "\": use noplaintext, noactive, nodictionary, noanonymous, mutual_auth or forward_secrecy");
    }
    out |= option->bit;
  }
  return static_cast<uint8_t>(out);
}

Result<std::unique_ptr<SaslClient>> choose_sasl_client(const SaslOffer& offer, SaslCredentials credentials) {
  if (credentials.user.find('\0') != std::string::npos ||
      credentials.password.reveal().find('\0') != std::string_view::npos) {
    return permanent("user name or password holds a NUL");
  }
  for (const Kind& kind : kKinds) {
    if (may_use(offer, kind, credentials)) return make_client(offer, kind.name, std::move(credentials));
  }
  return permanent("no mechanism available");
}

}  // namespace umaya::auth
