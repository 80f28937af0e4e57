#include "libcommon/auth/scheme.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"

namespace umaya::auth {

namespace {

enum class Kind : unsigned char { plain, crypt, digest, salted, pbkdf2, scram };
enum class Strength : unsigned char { good, weak };

struct SchemeInfo {
  std::string_view name;
  Kind kind;
  std::string_view digest;  ///< OpenSSL's name
  std::string_view prefix;  ///< that crypt data of this kind begins with; empty: any
  Strength strength;
};

constexpr SchemeInfo kSchemes[] = {
    {"PLAIN", Kind::plain, "", "", Strength::weak},
    {"CLEAR", Kind::plain, "", "", Strength::weak},
    {"CLEARTEXT", Kind::plain, "", "", Strength::weak},
    {"CRYPT", Kind::crypt, "", "", Strength::good},
    {"DES-CRYPT", Kind::crypt, "", "", Strength::weak},
    {"MD5-CRYPT", Kind::crypt, "", "$1$", Strength::weak},
    {"SHA256-CRYPT", Kind::crypt, "", "$5$", Strength::good},
    {"SHA512-CRYPT", Kind::crypt, "", "$6$", Strength::good},
    {"BLF-CRYPT", Kind::crypt, "", "$2", Strength::good},
    {"YESCRYPT", Kind::crypt, "", "$y$", Strength::good},
    {"MD5", Kind::crypt, "", "$1$", Strength::weak},  // as in Dovecot: an alias of MD5-CRYPT
    {"PLAIN-MD5", Kind::digest, "MD5", "", Strength::weak},
    {"LDAP-MD5", Kind::digest, "MD5", "", Strength::weak},
    {"SHA", Kind::digest, "SHA1", "", Strength::weak},
    {"SHA1", Kind::digest, "SHA1", "", Strength::weak},
    {"SHA256", Kind::digest, "SHA256", "", Strength::weak},
    {"SHA512", Kind::digest, "SHA512", "", Strength::weak},
    {"SMD5", Kind::salted, "MD5", "", Strength::weak},
    {"SSHA", Kind::salted, "SHA1", "", Strength::weak},
    {"SSHA256", Kind::salted, "SHA256", "", Strength::good},
    {"SSHA512", Kind::salted, "SHA512", "", Strength::good},
    {"PBKDF2", Kind::pbkdf2, "SHA1", "", Strength::good},
    {"SCRAM-SHA-1", Kind::scram, "SHA1", "", Strength::good},
    {"SCRAM-SHA-256", Kind::scram, "SHA256", "", Strength::good},
};

constexpr uint64_t kMostRounds = 10'000'000;

const SchemeInfo* find_scheme(std::string_view name) {
  auto row =
      std::find_if(std::begin(kSchemes), std::end(kSchemes), [&](const SchemeInfo& s) { return s.name == name; });
  return row == std::end(kSchemes) ? nullptr : &*row;
}

const EVP_MD* digest_of(std::string_view name) {
  return EVP_get_digestbyname(std::string(name).c_str());
}

std::string digest(const EVP_MD* algorithm, std::string_view first, std::string_view second = {}) {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestInit_ex(context.get(), algorithm, nullptr);
  EVP_DigestUpdate(context.get(), first.data(), first.size());
  EVP_DigestUpdate(context.get(), second.data(), second.size());
  EVP_DigestFinal_ex(context.get(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

std::string hmac(const EVP_MD* algorithm, std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(algorithm, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

std::string pbkdf2(const EVP_MD* algorithm, std::string_view password, std::string_view salt, int rounds) {
  std::string out(static_cast<size_t>(EVP_MD_get_size(algorithm)), '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()), rounds,
                    algorithm, static_cast<int>(out.size()), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

/// crypt(3) with memory of its own; empty when the setting is malformed.
std::string run_crypt(std::string_view password, const std::string& setting) {
  auto data = std::make_unique<crypt_data>();
  Secret text{std::string(password)};
  std::string terminated(text.reveal());
  char* result = crypt_rn(terminated.c_str(), setting.c_str(), data.get(), sizeof(crypt_data));
  explicit_bzero(terminated.data(), terminated.size());
  std::string out = result != nullptr && result[0] != '*' ? result : "";
  explicit_bzero(data.get(), sizeof(crypt_data));
  return out;
}

}  // namespace

std::vector<std::string_view> scheme_names() {
  std::vector<std::string_view> names;
  for (const SchemeInfo& info : kSchemes) names.push_back(info.name);
  return names;
}

Result<StoredPassword> StoredPassword::parse(std::string_view text, std::string_view default_scheme) {
  StoredPassword stored;
  std::string_view scheme = default_scheme;
  if (text.starts_with('{')) {
    size_t close = text.find('}');
    if (close == std::string_view::npos) return permanent("{ without }: write {SCHEME} before the password");
    scheme = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
  }
  stored.scheme_ = to_upper(scheme);
  if (size_t dot = stored.scheme_.find('.'); dot != std::string::npos) {
    std::string suffix = stored.scheme_.substr(dot + 1);
    if (suffix != "B64" && suffix != "BASE64" && suffix != "HEX") {
      return permanent("unknown encoding \"" + suffix + "\": write .b64 or .hex behind the scheme");
    }
    stored.encoding_ = suffix == "HEX" ? Encoding::hex : Encoding::base64;
    stored.scheme_.resize(dot);
  } else if (stored.scheme_ == "PLAIN-MD5") {
    stored.encoding_ = Encoding::hex;
  }
  const SchemeInfo* info = find_scheme(stored.scheme_);
  if (info == nullptr) return permanent("unknown password scheme \"" + stored.scheme_ + "\"");
  if (!info->prefix.empty() && !text.starts_with(info->prefix)) {
    return permanent("the data of {" + stored.scheme_ + "} begin with " + std::string(info->prefix));
  }
  stored.data_ = text;
  return stored;
}

bool StoredPassword::is_slow() const {
  Kind kind = find_scheme(scheme_)->kind;
  return kind == Kind::crypt || kind == Kind::pbkdf2 || kind == Kind::scram;
}

bool StoredPassword::is_weak() const {
  const SchemeInfo* info = find_scheme(scheme_);
  if (scheme_ == "CRYPT") return !data_.starts_with('$') || data_.starts_with("$1$");
  return info->strength == Strength::weak;
}

Result<bool> StoredPassword::verify(std::string_view password) const {
  switch (find_scheme(scheme_)->kind) {
    case Kind::plain:
      return constant_time_equal(password, data_);
    case Kind::crypt:
      return verify_crypt(password);
    case Kind::digest:
    case Kind::salted:
      return verify_digest(password);
    case Kind::pbkdf2:
      return verify_pbkdf2(password);
    case Kind::scram:
      return verify_scram(password);
  }
  return false;
}

Result<bool> StoredPassword::verify_crypt(std::string_view password) const {
  if (password.find('\0') != std::string_view::npos) return false;  // crypt(3) would stop there
  std::string result = run_crypt(password, data_);
  if (result.empty()) return permanent("the data of {" + scheme_ + "} are not what crypt(5) describes");
  return constant_time_equal(result, data_);
}

Result<bool> StoredPassword::verify_digest(std::string_view password) const {
  const SchemeInfo& info = *find_scheme(scheme_);
  const EVP_MD* algorithm = digest_of(info.digest);
  auto bytes = encoding_ == Encoding::hex ? hex_decode(data_) : base64_decode(data_);
  auto size = static_cast<size_t>(EVP_MD_get_size(algorithm));
  bool fits = bytes && (info.kind == Kind::salted ? bytes->size() > size : bytes->size() == size);
  if (!fits) return permanent("the data of {" + scheme_ + "} are malformed");
  std::string_view salt = std::string_view(*bytes).substr(size);
  return constant_time_equal(digest(algorithm, password, salt), std::string_view(*bytes).substr(0, size));
}

/// Dovecot's form: $1$salt$rounds$hexadecimal
Result<bool> StoredPassword::verify_pbkdf2(std::string_view password) const {
  auto parts = split(data_, "$");
  auto rounds = parts.size() == 4 ? parse_uint(parts[2]) : std::nullopt;
  auto key = parts.size() == 4 ? hex_decode(parts[3]) : std::nullopt;
  if (!key || !rounds || *rounds == 0 || *rounds > kMostRounds || parts[0] != "1") {
    return permanent("the data of {PBKDF2} are malformed: $1$salt$rounds$hexadecimal");
  }
  return constant_time_equal(pbkdf2(digest_of("SHA1"), password, parts[1], static_cast<int>(*rounds)), *key);
}

/// iterations,salt,stored key,server key: the last three in base64 (RFC 5803 without its names).
Result<bool> StoredPassword::verify_scram(std::string_view password) const {
  auto parts = split(data_, ",");
  auto rounds = parts.size() == 4 ? parse_uint(parts[0]) : std::nullopt;
  auto salt = parts.size() == 4 ? base64_decode(parts[1]) : std::nullopt;
  auto stored_key = parts.size() == 4 ? base64_decode(parts[2]) : std::nullopt;
  if (!rounds || !salt || !stored_key || *rounds == 0 || *rounds > kMostRounds) {
    return permanent("the data of {" + scheme_ + "} are malformed: iterations,salt,stored-key,server-key");
  }
  const EVP_MD* algorithm = digest_of(find_scheme(scheme_)->digest);
  std::string salted = pbkdf2(algorithm, password, *salt, static_cast<int>(*rounds));
  return constant_time_equal(digest(algorithm, hmac(algorithm, salted, "Client Key")), *stored_key);
}

Result<std::string> hash_password(std::string_view scheme, std::string_view password) {
  std::string name = to_upper(scheme);
  if (name == "PLAIN") return "{PLAIN}" + std::string(password);
  if (name == "SSHA512") {
    char salt[16];
    random_bytes(salt);
    std::string_view bytes(salt, sizeof salt);
    return "{SSHA512}" + base64_encode(digest(digest_of("SHA512"), password, bytes) + std::string(bytes));
  }
  const SchemeInfo* info = find_scheme(name);
  if (info == nullptr || info->kind != Kind::crypt || info->prefix.size() < 2) {
    return permanent("no new passwords are made with scheme \"" + name + "\"");
  }
  std::string prefix = name == "BLF-CRYPT" ? "$2b$" : std::string(info->prefix);
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  if (crypt_gensalt_rn(prefix.c_str(), 0, nullptr, 0, setting, sizeof setting) == nullptr)
    return sys_error("crypt_gensalt");
  return "{" + name + "}" + run_crypt(password, setting);
}

}  // namespace umaya::auth
