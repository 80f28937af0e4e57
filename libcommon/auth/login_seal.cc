#include "libcommon/auth/login_seal.h"

#include <openssl/evp.h>

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "libcommon/base/strings.h"

namespace umaya::auth {

namespace {

constexpr size_t kNumberSize = 8;  // what of the nonce changes
constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;

/// The nonce of a number (NIST SP 800-38D 8.2.1: a fixed field and a counter).
struct Nonce {
  unsigned char octets[kNonceSize] = {};
  explicit Nonce(std::string_view number) { number.copy(reinterpret_cast<char*>(octets), kNumberSize); }
};

std::string bound_to(const LoginTicket& ticket) {
  return std::to_string(ticket.client_pid) + ' ' + std::to_string(ticket.request) + ' ' + ticket.cookie;
}

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* octets(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

int length(std::string_view text) {
  return static_cast<int>(text.size());
}

int64_t to_count(TimePoint when) {
  return std::chrono::duration_cast<Duration>(when.time_since_epoch()).count();
}

}  // namespace

bool OnceOnly::take(uint64_t number) {
  if (next_ > kWindow && number < next_ - kWindow) return false;
  if (number >= next_) {
    const uint64_t skipped = std::min<uint64_t>(number - next_, kWindow);
    for (uint64_t k = 0; k < skipped; ++k) taken_[(next_ + k) % kWindow] = false;
    next_ = number + 1;
  } else if (taken_[number % kWindow]) {
    return false;
  }
  taken_[number % kWindow] = true;
  return true;
}

void LoginSeal::ContextFree::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

LoginSeal::LoginSeal(Secret key) : key_(std::move(key)) {}
LoginSeal::~LoginSeal() = default;

/// The key schedule is made once.
bool LoginSeal::prepare(Context& context, bool encrypts) {
  if (context) return true;
  if (key_.reveal().size() != kKeySize) return false;
  context.reset(EVP_CIPHER_CTX_new());
  bool ready = context && EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, octets(key_.reveal()), nullptr,
                                            encrypts ? 1 : 0) == 1;
  if (!ready) context.reset();
  return ready;
}

std::string LoginSeal::close(const LoginTicket& ticket, const LoginData& data, TimePoint now) {
  if (!prepare(encrypting_, true)) return {};
  std::string sealed;
  ByteWriter(sealed).u64(next_++);
  const Nonce nonce(sealed);
  std::string plain;
  ByteWriter(plain).u64(static_cast<uint64_t>(to_count(now + kLifetime))).bytes(user_line("0", data).text());
  const std::string bound = bound_to(ticket);
  sealed.resize(kNumberSize + plain.size() + kTagSize);
  EVP_CIPHER_CTX* context = encrypting_.get();
  unsigned char* text = octets(sealed) + kNumberSize;
  int size = 0, rest = 0;
  bool done = EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.octets) == 1 &&
              EVP_EncryptUpdate(context, nullptr, &size, octets(bound), length(bound)) == 1 &&
              EVP_EncryptUpdate(context, text, &size, octets(plain), length(plain)) == 1 &&
              EVP_EncryptFinal_ex(context, text + size, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize, text + plain.size()) == 1;
  return done ? base64_encode(sealed) : std::string();
}

Result<LoginData> LoginSeal::open(std::string_view sealed, const LoginTicket& ticket, TimePoint now) {
  auto refuse = [] { return temporary("the authentication server has not sealed this log-in"); };
  auto bytes = base64_decode(sealed);
  if (!bytes || bytes->size() < kNumberSize + kTagSize || !prepare(decrypting_, false)) return refuse();
  const Nonce nonce(*bytes);
  const std::string bound = bound_to(ticket);
  std::string tag = bytes->substr(bytes->size() - kTagSize);
  std::string_view hidden(bytes->data() + kNumberSize, bytes->size() - kNumberSize - kTagSize);
  std::string plain(hidden.size(), '\0');
  EVP_CIPHER_CTX* context = decrypting_.get();
  int size = 0, rest = 0;
  bool genuine = EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.octets) == 1 &&
                 EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) == 1 &&
                 EVP_DecryptUpdate(context, nullptr, &size, octets(bound), length(bound)) == 1 &&
                 EVP_DecryptUpdate(context, octets(plain), &size, octets(hidden), length(hidden)) == 1 &&
                 EVP_DecryptFinal_ex(context, octets(plain) + size, &rest) == 1;
  if (!genuine) return refuse();
  ByteReader in(plain);
  const auto until = static_cast<int64_t>(in.u64());
  if (to_count(now) > until) return temporary("the log-in is too old");
  if (!opened_.take(ByteReader(*bytes).u64())) return temporary("the log-in was used before");
  std::string_view line = std::string_view(plain).substr(sizeof(uint64_t));
  while (line.ends_with('\n')) line.remove_suffix(1);
  return parse_login_data(AuthLine::parse(line));
}

}  // namespace umaya::auth
