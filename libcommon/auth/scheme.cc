#include "libcommon/auth/scheme.h"

#include <argon2.h>
#include <crypt.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>

#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"

namespace umaya::auth {

namespace {

enum class Kind : unsigned char { plain, crypt, digest, salted, pbkdf2, scram, argon2, cram };
enum class Strength : unsigned char { good, weak };

struct SchemeInfo {
  std::string_view name;
  Kind kind;
  Hash hash;                ///< of digests, salted digests, SCRAM
  std::string_view prefix;  ///< that crypt and argon2 data of this kind begin with; empty: any
  Strength strength;
};

constexpr SchemeInfo kSchemes[] = {
    {"PLAIN", Kind::plain, Hash::sha1, "", Strength::weak},
    {"CLEAR", Kind::plain, Hash::sha1, "", Strength::weak},
    {"CLEARTEXT", Kind::plain, Hash::sha1, "", Strength::weak},
    {"CRYPT", Kind::crypt, Hash::sha1, "", Strength::good},
    {"DES-CRYPT", Kind::crypt, Hash::sha1, "", Strength::weak},
    {"MD5-CRYPT", Kind::crypt, Hash::sha1, "$1$", Strength::weak},
    {"SHA256-CRYPT", Kind::crypt, Hash::sha1, "$5$", Strength::good},
    {"SHA512-CRYPT", Kind::crypt, Hash::sha1, "$6$", Strength::good},
    {"BLF-CRYPT", Kind::crypt, Hash::sha1, "$2", Strength::good},
    {"YESCRYPT", Kind::crypt, Hash::sha1, "$y$", Strength::good},
    {"MD5", Kind::crypt, Hash::sha1, "$1$", Strength::weak},  // as in Dovecot: an alias of MD5-CRYPT
    {"PLAIN-MD5", Kind::digest, Hash::md5, "", Strength::weak},
    {"LDAP-MD5", Kind::digest, Hash::md5, "", Strength::weak},
    {"SHA", Kind::digest, Hash::sha1, "", Strength::weak},
    {"SHA1", Kind::digest, Hash::sha1, "", Strength::weak},
    {"SHA256", Kind::digest, Hash::sha256, "", Strength::weak},
    {"SHA512", Kind::digest, Hash::sha512, "", Strength::weak},
    {"SMD5", Kind::salted, Hash::md5, "", Strength::weak},
    {"SSHA", Kind::salted, Hash::sha1, "", Strength::weak},
    {"SSHA256", Kind::salted, Hash::sha256, "", Strength::good},
    {"SSHA512", Kind::salted, Hash::sha512, "", Strength::good},
    {"ARGON2I", Kind::argon2, Hash::sha1, "$argon2i$", Strength::good},
    {"ARGON2ID", Kind::argon2, Hash::sha1, "$argon2id$", Strength::good},
    {"PBKDF2", Kind::pbkdf2, Hash::sha1, "", Strength::good},
    {"CRAM-MD5", Kind::cram, Hash::md5, "", Strength::weak},
    {"HMAC-MD5", Kind::cram, Hash::md5, "", Strength::weak},
    {"SCRAM-SHA-1", Kind::scram, Hash::sha1, "", Strength::good},
    {"SCRAM-SHA-256", Kind::scram, Hash::sha256, "", Strength::good},
};

constexpr uint64_t kMostRounds = 10'000'000;
constexpr uint32_t kPbkdf2Rounds = 100'000;
constexpr uint32_t kArgonMemory = 64 * 1024;  // KiB
constexpr uint32_t kArgonPasses = 3;
constexpr uint32_t kMostArgonMemory = 1024 * 1024;

const SchemeInfo* find_scheme(std::string_view name) {
  auto row =
      std::find_if(std::begin(kSchemes), std::end(kSchemes), [&](const SchemeInfo& s) { return s.name == name; });
  return row == std::end(kSchemes) ? nullptr : &*row;
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
  return kind == Kind::crypt || kind == Kind::pbkdf2 || kind == Kind::scram || kind == Kind::argon2;
}

std::optional<std::string_view> StoredPassword::plain() const {
  if (find_scheme(scheme_)->kind != Kind::plain) return std::nullopt;
  return data_;
}

bool StoredPassword::has_cram_keys() const {
  return find_scheme(scheme_)->kind == Kind::cram;
}

Result<CramKeys> StoredPassword::cram_keys() const {
  if (!has_cram_keys()) return permanent("{" + scheme_ + "} has no keys of this mechanism");
  auto keys = parse_cram_keys(data_);
  if (!keys) return permanent("the data of {" + scheme_ + "} are " + keys.error().what);
  return keys;
}

bool StoredPassword::has_scram_keys(Hash hash) const {
  const SchemeInfo* info = find_scheme(scheme_);
  return info->kind == Kind::scram && info->hash == hash;
}

Result<ScramKeys> StoredPassword::scram_keys(Hash hash) const {
  if (!has_scram_keys(hash)) return permanent("{" + scheme_ + "} has no keys of this mechanism");
  auto keys = parse_scram_keys(hash, data_);
  if (!keys) return permanent("the data of {" + scheme_ + "} are " + keys.error().what);
  return keys;
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
    case Kind::argon2:
      return verify_argon2(password);
    case Kind::cram: {
      UMAYA_TRY(CramKeys keys, cram_keys());
      return constant_time_equal(cram_keys_text(make_cram_keys(password)), cram_keys_text(keys));
    }
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
  auto bytes = encoding_ == Encoding::hex ? hex_decode(data_) : base64_decode(data_);
  size_t size = digest_size(info.hash);
  bool fits = bytes && (info.kind == Kind::salted ? bytes->size() > size : bytes->size() == size);
  if (!fits) return permanent("the data of {" + scheme_ + "} are malformed");
  std::string_view salt = std::string_view(*bytes).substr(size);
  return constant_time_equal(digest(info.hash, password, salt), std::string_view(*bytes).substr(0, size));
}

/// Dovecot's form: $1$salt$rounds$hexadecimal
Result<bool> StoredPassword::verify_pbkdf2(std::string_view password) const {
  auto parts = split(data_, "$");
  auto rounds = parts.size() == 4 ? parse_uint(parts[2]) : std::nullopt;
  auto key = parts.size() == 4 ? hex_decode(parts[3]) : std::nullopt;
  if (!key || !rounds || *rounds == 0 || *rounds > kMostRounds || parts[0] != "1") {
    return permanent("the data of {PBKDF2} are malformed: $1$salt$rounds$hexadecimal");
  }
  return constant_time_equal(pbkdf2(Hash::sha1, password, parts[1], static_cast<uint32_t>(*rounds)), *key);
}

Result<bool> StoredPassword::verify_scram(std::string_view password) const {
  Hash hash = find_scheme(scheme_)->hash;
  UMAYA_TRY(ScramKeys keys, scram_keys(hash));
  return constant_time_equal(make_scram_keys(hash, password, keys.salt, keys.iterations).stored_key, keys.stored_key);
}

namespace {

/// The number behind ",m=" or "$m=" of encoded argon2 data: KiB.
std::optional<uint64_t> argon2_memory(std::string_view data) {
  size_t at = data.find("$m=");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = data.substr(at + 3);
  return parse_uint(rest.substr(0, rest.find_first_of(",$")));
}

}  // namespace

Result<bool> StoredPassword::verify_argon2(std::string_view password) const {
  auto memory = argon2_memory(data_);
  if (!memory || *memory > kMostArgonMemory) {
    return permanent("the data of {" + scheme_ + "} are malformed, or want more than 1 GiB of memory");
  }
  auto type = scheme_ == "ARGON2I" ? Argon2_i : Argon2_id;
  int result = argon2_verify(data_.c_str(), password.data(), password.size(), type);
  if (result == ARGON2_OK) return true;
  if (result == ARGON2_VERIFY_MISMATCH) return false;
  if (result == ARGON2_MEMORY_ALLOCATION_ERROR || result == ARGON2_THREAD_FAIL) return temporary("argon2: no memory");
  return permanent("the data of {" + scheme_ + "}: " + argon2_error_message(result));
}

namespace {

std::string random_salt(size_t size) {
  std::string salt(size, '\0');
  random_bytes(salt);
  return salt;
}

Result<std::string> new_crypt(const SchemeInfo& info, std::string_view password, uint32_t rounds) {
  std::string prefix = info.name == "BLF-CRYPT" ? "$2b$" : info.name == "CRYPT" ? "$6$" : std::string(info.prefix);
  if (prefix.size() < 2) return permanent("no new passwords are made with scheme " + std::string(info.name));
  if (password.find('\0') != std::string_view::npos) return permanent("a password has no NUL");
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  if (crypt_gensalt_rn(prefix.c_str(), rounds, nullptr, 0, setting, sizeof setting) == nullptr) {
    return permanent("rounds do not fit scheme " + std::string(info.name) + " (see crypt(5))");
  }
  return run_crypt(password, setting);
}

Result<std::string> new_argon2(const SchemeInfo& info, std::string_view password, uint32_t passes) {
  std::string salt = random_salt(16);
  char encoded[256];
  auto make = info.name == "ARGON2I" ? argon2i_hash_encoded : argon2id_hash_encoded;
  int result = make(passes, kArgonMemory, 1, password.data(), password.size(), salt.data(), salt.size(), 32, encoded,
                    sizeof encoded);
  if (result != ARGON2_OK) return temporary(std::string("argon2: ") + argon2_error_message(result));
  return encoded;
}

std::string new_pbkdf2(std::string_view password, uint32_t rounds) {
  std::string salt = base64_encode(random_salt(12));
  return "$1$" + salt + "$" + std::to_string(rounds) + "$" +
         to_lower(hex_encode(pbkdf2(Hash::sha1, password, salt, rounds)));
}

}  // namespace

Result<std::string> hash_password(std::string_view scheme, std::string_view password, uint32_t rounds) {
  const SchemeInfo* info = find_scheme(to_upper(scheme));
  if (info == nullptr) return permanent("unknown password scheme \"" + printable(scheme) + "\"");
  if (rounds > kMostRounds) return permanent("too many rounds");
  std::string data;
  switch (info->kind) {
    case Kind::plain:
      data = password;
      break;
    case Kind::crypt: {
      UMAYA_TRY(data, new_crypt(*info, password, rounds));
      break;
    }
    case Kind::argon2: {
      UMAYA_TRY(data, new_argon2(*info, password, rounds > 0 ? rounds : kArgonPasses));
      break;
    }
    case Kind::pbkdf2:
      data = new_pbkdf2(password, rounds > 0 ? rounds : kPbkdf2Rounds);
      break;
    case Kind::scram:
      data = scram_keys_text(
          make_scram_keys(info->hash, password, random_salt(16), rounds > 0 ? rounds : kScramIterations));
      break;
    case Kind::cram:
      data = cram_keys_text(make_cram_keys(password));
      break;
    case Kind::digest:
      data = digest(info->hash, password);
      data = info->name == "PLAIN-MD5" ? to_lower(hex_encode(data)) : base64_encode(data);
      break;
    case Kind::salted: {
      std::string salt = random_salt(16);
      data = base64_encode(digest(info->hash, password, salt) + salt);
      break;
    }
  }
  return "{" + std::string(info->name) + "}" + data;
}

}  // namespace umaya::auth
