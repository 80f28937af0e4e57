#include "libcommon/services/delivery_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::services {
namespace {

constexpr size_t kMostOrigin = 100;

uint64_t fnv1a(std::initializer_list<std::string_view> parts) {
  uint64_t hash = 14695981039346656037u;
  for (std::string_view part : parts) {
    for (unsigned char c : part) hash = (hash ^ c) * 1099511628211u;
    hash = (hash ^ '\n') * 1099511628211u;
  }
  return hash;
}

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= kMostOrigin && ascii_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return ascii_alnum(c) || c == '.' || c == '_'; });
}

/// What names the message itself.
std::string base_of(const Envelope& envelope) {
  std::string_view origin = envelope.attribute(kOriginAttribute);
  if (is_key(origin)) return std::string(origin);
  return fmt::format("{}.M{:06}Q{}", envelope.arrival_usec / 1'000'000, envelope.arrival_usec % 1'000'000,
                     envelope.queue_id);
}

}  // namespace

std::string delivery_key(const Envelope& envelope, const Recipient& to) {
  return fmt::format("{}K{:016x}", base_of(envelope), fnv1a({to.address, to.original}));
}

std::string origin_of(const Envelope& envelope, std::initializer_list<std::string_view> parts) {
  std::string base = base_of(envelope);
  std::string_view message(base);
  message = message.substr(0, message.find('_'));
  return fmt::format("{}_{:016x}{:016x}", message, fnv1a({base}), fnv1a(parts));
}

void set_origin(Envelope& envelope, std::string origin) {
  std::erase_if(envelope.attributes, [](const Attribute& a) { return a.name == kOriginAttribute; });
  envelope.attributes.push_back({std::string(kOriginAttribute), std::move(origin)});
}

}  // namespace umaya::services
