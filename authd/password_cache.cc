#include "authd/password_cache.h"

#include <string.h>

#include "libcommon/auth/digest.h"
#include "libcommon/base/random.h"

namespace umaya::authd {

using auth::Hash;

std::string framed(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) text += std::to_string(part.size()) + ':' + std::string(part);
  return text;
}

PasswordCache::PasswordCache(Duration ttl) : ttl_(ttl), secret_(32, '\0') {
  random_bytes(secret_);
}

std::string PasswordCache::key_of(const Question& question) const {
  std::string text = framed({"cache", question.user, question.service, question.stored, question.password});
  std::string key = auth::hmac(Hash::sha256, secret_, text);
  explicit_bzero(text.data(), text.size());
  return key;
}

std::string PasswordCache::mark_of(std::string_view user, std::string_view password) const {
  std::string text = framed({"mark", user, password});
  std::string mark = auth::hmac(Hash::sha256, secret_, text);
  explicit_bzero(text.data(), text.size());
  return mark;
}

bool PasswordCache::knows(const Question& question, TimePoint now) {
  if (ttl_ <= Duration::zero()) return false;
  std::string key = key_of(question);
  const TimePoint* until = entries_.find(key);
  if (until == nullptr) return false;
  if (*until > now) return true;
  entries_.erase(key);
  return false;
}

void PasswordCache::keep(const Question& question, TimePoint now) {
  if (ttl_ > Duration::zero()) entries_.at(key_of(question)) = now + ttl_;
}

}  // namespace umaya::authd
