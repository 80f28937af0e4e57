// SCRAM as RFC 5802 section 5 describes it, for clients.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "libcommon/auth/sasl_client.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"

namespace umaya::auth {

namespace {

constexpr size_t kMostChallenge = 4096;
constexpr uint64_t kLeastRounds = 4096;
constexpr uint64_t kMostRounds = 1'000'000;
constexpr uint64_t kQuickRounds = 10'000;  // a few milliseconds
constexpr size_t kNonceOctets = 24;

std::string hmac(const EVP_MD* algorithm, std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(algorithm, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

std::string hash(const EVP_MD* algorithm, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out, &size, algorithm, nullptr);
  return {reinterpret_cast<char*>(out), size};
}

/// Hi() of RFC 5802 2.2.
Secret salted_password(const EVP_MD* algorithm, std::string_view password, std::string_view salt, uint64_t rounds) {
  std::string out(static_cast<size_t>(EVP_MD_get_size(algorithm)), '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                    static_cast<int>(rounds), algorithm, static_cast<int>(out.size()),
                    reinterpret_cast<unsigned char*>(out.data()));
  return Secret(std::move(out));
}

/// saslname: "," and "=" would end the field.
std::string escaped(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c == ',') {
      out += "=2C";
    } else if (c == '=') {
      out += "=3D";
    } else {
      out += c;
    }
  }
  return out;
}

/// What a server says first: "r=…,s=…,i=…".
struct ServerFirst {
  std::string_view nonce;
  std::string salt;
  uint64_t rounds = 0;
};

Result<ServerFirst> parse_server_first(std::string_view text) {
  const auto bad = [](std::string_view why) { return permanent("the server's first message " + std::string(why)); };
  if (text.size() > kMostChallenge) return bad("is too long");
  if (text.starts_with("e=")) return permanent("the server says: " + printable(text.substr(2, 80)));
  ServerFirst out;
  std::string_view fields[3];
  constexpr std::string_view kNames = "rsi";
  for (size_t i = 0; i < kNames.size(); ++i) {
    const std::string_view field = text.substr(0, text.find(','));
    if (field.size() < 3 || field[0] != kNames[i] || field[1] != '=') return bad("is malformed");
    fields[i] = field.substr(2);
    text.remove_prefix(std::min(text.size(), field.size() + 1));
  }
  out.nonce = fields[0];
  auto salt = base64_decode(fields[1]);
  auto rounds = parse_uint(fields[2]);
  if (!salt || salt->empty() || !rounds) return bad("is malformed");
  if (*rounds < kLeastRounds) return bad("names fewer iterations than RFC 7677 asks for");
  if (*rounds > kMostRounds) return bad("names too many iterations");
  out.salt = std::move(*salt);
  out.rounds = *rounds;
  return out;
}

class ScramClient : public SaslClient {
 public:
  ScramClient(std::string_view mechanism, SaslCredentials credentials, ChannelBinding binding, std::string_view flag,
              std::string nonce)
      : mechanism_(mechanism),
        algorithm_(mechanism.starts_with("SCRAM-SHA-256") ? EVP_sha256() : EVP_sha1()),
        credentials_(std::move(credentials)),
        binding_(std::move(binding)),
        nonce_(std::move(nonce)) {
    gs2_header_ = (flag == "p" ? "p=" + binding_.type : std::string(flag)) + ",,";
    bare_ = "n=" + escaped(credentials_.user) + ",r=" + nonce_;
  }
  std::string_view name() const override { return mechanism_; }
  std::optional<Secret> initial() override {
    step_ = Step::first_sent;
    return Secret(gs2_header_ + bare_);
  }
  bool is_slow(std::string_view challenge) const override {
    auto first = parse_server_first(challenge);
    return step_ == Step::first_sent && first && first->rounds > kQuickRounds;
  }
  bool is_complete() const override { return step_ == Step::proved; }
  Result<Secret> respond(std::string_view challenge) override;

 private:
  enum class Step : uint8_t { begin, first_sent, final_sent, proved, failed };
  Result<Secret> answer_first(std::string_view challenge);
  Result<Secret> check_final(std::string_view challenge);

  const std::string mechanism_;
  const EVP_MD* const algorithm_;
  SaslCredentials credentials_;
  ChannelBinding binding_;
  std::string nonce_, gs2_header_, bare_;
  std::string server_signature_;
  Step step_ = Step::begin;
};

Result<Secret> ScramClient::respond(std::string_view challenge) {
  const Step before = std::exchange(step_, Step::failed);
  if (before == Step::begin && challenge.empty()) return Secret(std::string(initial()->reveal()));
  if (before == Step::first_sent) return answer_first(challenge);
  if (before == Step::final_sent) return check_final(challenge);
  return permanent("the server asks for more than " + mechanism_ + " has");
}

Result<Secret> ScramClient::answer_first(std::string_view challenge) {
  UMAYA_TRY(const ServerFirst first, parse_server_first(challenge));
  if (!first.nonce.starts_with(nonce_) || first.nonce.size() == nonce_.size()) {
    return permanent("the server's nonce is not an extension of ours");
  }
  const std::string without_proof =
      "c=" + base64_encode(gs2_header_ + binding_.data) + ",r=" + std::string(first.nonce);
  const std::string auth_message = bare_ + ',' + std::string(challenge) + ',' + without_proof;
  const Secret salted = salted_password(algorithm_, credentials_.password.reveal(), first.salt, first.rounds);
  const Secret client_key(hmac(algorithm_, salted.reveal(), "Client Key"));
  std::string proof = hmac(algorithm_, hash(algorithm_, client_key.reveal()), auth_message);
  for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key.reveal()[i]);
  server_signature_ = hmac(algorithm_, hmac(algorithm_, salted.reveal(), "Server Key"), auth_message);
  step_ = Step::final_sent;
  return Secret(without_proof + ",p=" + base64_encode(proof));
}

Result<Secret> ScramClient::check_final(std::string_view challenge) {
  if (challenge.size() > kMostChallenge) return permanent("the server's last message is too long");
  const std::string_view field = challenge.substr(0, challenge.find(','));
  if (field.starts_with("e=")) return permanent("the server says: " + printable(field.substr(2, 80)));
  auto signature = field.starts_with("v=") ? base64_decode(field.substr(2)) : std::nullopt;
  if (!signature || !constant_time_equal(*signature, server_signature_)) {
    return permanent("the server did not prove that it knows the password");
  }
  step_ = Step::proved;
  return Secret();
}

std::string fresh_nonce() {
  std::string raw(kNonceOctets, '\0');
  random_bytes(raw);
  return base64_encode(raw);  // its alphabet has no comma
}

}  // namespace

std::unique_ptr<SaslClient> make_scram_client(std::string_view mechanism, SaslCredentials credentials,
                                              ChannelBinding binding, std::string_view gs2_flag, std::string nonce) {
  if (nonce.empty()) nonce = fresh_nonce();
  return std::make_unique<ScramClient>(mechanism, std::move(credentials), std::move(binding), gs2_flag,
                                       std::move(nonce));
}

}  // namespace umaya::auth
