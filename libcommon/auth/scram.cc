#include "libcommon/auth/scram.h"

#include <algorithm>
#include <optional>

#include "libcommon/base/random.h"
#include "libcommon/base/secret.h"
#include "libcommon/base/strings.h"

namespace umaya::auth {

namespace {

constexpr size_t kMostMessage = 4096;
constexpr size_t kMostName = 1024;

/// Takes the text up to the next comma off the front of rest; nothing when there is no comma.
std::optional<std::string_view> take_field(std::string_view& rest) {
  size_t comma = rest.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  std::string_view field = rest.substr(0, comma);
  rest.remove_prefix(comma + 1);
  return field;
}

/// saslname: "=2C" is a comma, "=3D" an equals sign, any other "=" is an error (RFC 5802 5.1).
std::optional<std::string> read_name(std::string_view text) {
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return std::nullopt;
    if (text[i] != '=') {
      name += text[i];
      continue;
    }
    std::string_view code = text.substr(i, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    name += code == "=2C" ? ',' : '=';
    i += 2;
  }
  if (name.empty() || name.size() > kMostName || !valid_utf8(name)) return std::nullopt;
  return name;
}

bool is_nonce(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127 && c != ','; });
}

std::string exclusive_or(std::string_view a, std::string_view b) {
  std::string out(a);
  for (size_t i = 0; i < out.size() && i < b.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

}  // namespace

ScramKeys make_scram_keys(Hash hash, std::string_view password, std::string salt, uint32_t iterations) {
  ScramKeys keys;
  keys.iterations = iterations;
  keys.salt = std::move(salt);
  std::string salted = pbkdf2(hash, password, keys.salt, iterations);
  keys.stored_key = digest(hash, hmac(hash, salted, "Client Key"));
  keys.server_key = hmac(hash, salted, "Server Key");
  explicit_bzero(salted.data(), salted.size());
  return keys;
}

Result<ScramKeys> parse_scram_keys(Hash hash, std::string_view text) {
  auto parts = split(text, ",");
  bool four = parts.size() == 4;
  auto iterations = four ? parse_uint(parts[0]) : std::nullopt;
  auto salt = four ? base64_decode(parts[1]) : std::nullopt;
  auto stored_key = four ? base64_decode(parts[2]) : std::nullopt;
  auto server_key = four ? base64_decode(parts[3]) : std::nullopt;
  bool fits = iterations && *iterations > 0 && *iterations <= kMostScramIterations && salt && !salt->empty() &&
              stored_key && stored_key->size() == digest_size(hash) && server_key &&
              server_key->size() == digest_size(hash);
  if (!fits) return permanent("malformed: write iterations,salt,stored-key,server-key");
  ScramKeys keys;
  keys.iterations = static_cast<uint32_t>(*iterations);
  keys.salt = std::move(*salt);
  keys.stored_key = std::move(*stored_key);
  keys.server_key = std::move(*server_key);
  return keys;
}

std::string scram_keys_text(const ScramKeys& keys) {
  return std::to_string(keys.iterations) + ',' + base64_encode(keys.salt) + ',' + base64_encode(keys.stored_key) + ',' +
         base64_encode(keys.server_key);
}

Result<void> ScramServer::read_flag(std::string_view flag) {
  bool binds = flag.starts_with("p=");
  if (plus_ == Plus::yes) {
    if (!binds || binding_.type.empty() || flag.substr(2) != binding_.type) {
      return permanent("SCRAM: the client does not bind the channel as it was offered");
    }
    return {};
  }
  if (flag == "n") return {};
  // "The server does not offer channel binding": when we did, somebody took it out of the list.
  if (flag == "y" && binding_.type.empty()) return {};
  return permanent(flag == "y" ? "SCRAM: the client was not shown that the channel can be bound"
                               : "SCRAM: channel binding flag that does not fit the mechanism");
}

Result<ScramServer::Names> ScramServer::read_first(std::string_view message) {
  auto malformed = [] { return permanent("SCRAM: malformed first message"); };
  if (message.size() > kMostMessage || message.find('\0') != std::string_view::npos) return malformed();
  std::string_view rest = message;
  auto flag = take_field(rest);
  auto authorize_as = flag ? take_field(rest) : std::nullopt;
  if (!authorize_as) return malformed();
  UMAYA_CHECK(read_flag(*flag));
  Names names;
  if (!authorize_as->empty()) {
    auto name = authorize_as->starts_with("a=") ? read_name(authorize_as->substr(2)) : std::nullopt;
    if (!name) return malformed();
    names.authorize_as = std::move(*name);
  }
  header_ = message.substr(0, message.size() - rest.size());
  client_first_ = rest;
  auto user = take_field(rest);  // an extension that must be understood (m=) is refused like any other text here
  auto name = user && user->starts_with("n=") ? read_name(user->substr(2)) : std::nullopt;
  std::string_view nonce = rest.substr(0, rest.find(','));
  if (!name || !nonce.starts_with("r=") || !is_nonce(nonce.substr(2))) return malformed();
  names.user = std::move(*name);
  nonce_ = nonce.substr(2);
  return names;
}

std::string ScramServer::challenge(const ScramKeys& keys, std::string_view nonce) {
  nonce_ += nonce;
  server_first_ = "r=" + nonce_ + ",s=" + base64_encode(keys.salt) + ",i=" + std::to_string(keys.iterations);
  return server_first_;
}

Result<bool> ScramServer::read_final(std::string_view message, const ScramKeys& keys) {
  auto malformed = [] { return permanent("SCRAM: malformed final message"); };
  if (message.size() > kMostMessage || server_first_.empty()) return malformed();
  size_t at = message.rfind(",p=");
  if (at == std::string_view::npos) return malformed();
  std::string_view without_proof = message.substr(0, at);
  auto proof = base64_decode(message.substr(at + 3));
  if (!proof || proof->size() != digest_size(hash_)) return malformed();
  std::string_view rest = without_proof;
  auto bound = take_field(rest);
  std::string_view nonce = rest.substr(0, rest.find(','));
  if (!bound || !bound->starts_with("c=") || !nonce.starts_with("r=")) return malformed();
  auto binding = base64_decode(bound->substr(2));
  std::string expected = header_ + (plus_ == Plus::yes ? binding_.data : std::string());
  if (!binding || !constant_time_equal(*binding, expected)) return permanent("SCRAM: the channel binding is not right");
  if (nonce.substr(2) != nonce_) return permanent("SCRAM: the nonce is not ours");
  std::string signed_text = client_first_ + ',' + server_first_ + ',' + std::string(without_proof);
  std::string client_key = exclusive_or(*proof, hmac(hash_, keys.stored_key, signed_text));
  bool right = constant_time_equal(digest(hash_, client_key), keys.stored_key);
  if (right) last_word_ = "v=" + base64_encode(hmac(hash_, keys.server_key, signed_text));
  return right;
}

std::string fresh_scram_nonce() {
  char bytes[24];
  random_bytes(bytes);
  return base64_encode({bytes, sizeof bytes});
}

}  // namespace umaya::auth
