#include "libcommon/queue/queue_id.h"

#include <fmt/format.h>

#include <array>

#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"

namespace umaya::queue {
namespace {

constexpr std::string_view kDigits52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
constexpr size_t kSecondsDigits = 6;
constexpr size_t kMicrosecondsDigits = 4;
constexpr size_t kRandomDigits = 5;
constexpr uint64_t kRandomBase = 51;

constexpr std::array<int8_t, 256> kValue52 = [] {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (size_t i = 0; i < kDigits52.size(); ++i)
    table[static_cast<unsigned char>(kDigits52[i])] = static_cast<int8_t>(i);
  return table;
}();

void append_base(std::string& out, uint64_t value, uint64_t base, size_t width) {
  char digits[16];
  size_t n = 0;
  for (; value > 0 || n < width; value /= base) digits[n++] = kDigits52[value % base];
  while (n > 0) out += digits[--n];
}

std::optional<uint64_t> parse52(std::string_view text) {
  uint64_t value = 0;
  for (char c : text) {
    int digit = kValue52[static_cast<unsigned char>(c)];
    if (digit < 0 || value > (UINT64_MAX >> 8)) return std::nullopt;
    value = value * 52 + static_cast<uint64_t>(digit);
  }
  return value;
}

/// Offset of the z that ends the time of a long id; nothing in a short one.
std::optional<size_t> long_id_mark(std::string_view id) {
  size_t mark = id.rfind('z');
  if (mark == std::string_view::npos || mark < kSecondsDigits + kMicrosecondsDigits) return std::nullopt;
  return mark;
}

}  // namespace

std::string make_id(IdForm form) {
  return make_id(form, wall_usec(), random_u64());
}

std::string make_id(IdForm form, int64_t usec, uint64_t random) {
  uint64_t fraction = static_cast<uint64_t>(usec % 1'000'000);
  if (form == IdForm::short_form) return fmt::format("{:05X}{:06X}", fraction, random & 0xffffff);
  std::string id;
  append_base(id, static_cast<uint64_t>(usec / 1'000'000), 52, kSecondsDigits);
  append_base(id, fraction, 52, kMicrosecondsDigits);
  id += 'z';
  append_base(id, random % (kRandomBase * kRandomBase * kRandomBase * kRandomBase * kRandomBase), kRandomBase,
              kRandomDigits);
  return id;
}

bool valid_id(std::string_view id) {
  if (id.size() < kMinIdSize || id.size() > kMaxIdSize) return false;
  for (char c : id) {
    if (!ascii_alnum(c)) return false;
  }
  return true;
}

IdForm form_of(std::string_view id) {
  return long_id_mark(id) ? IdForm::long_form : IdForm::short_form;
}

std::optional<int64_t> creation_time(std::string_view id) {
  auto mark = long_id_mark(id);
  if (!mark) return std::nullopt;
  auto seconds = parse52(id.substr(0, *mark - kMicrosecondsDigits));
  auto fraction = parse52(id.substr(*mark - kMicrosecondsDigits, kMicrosecondsDigits));
  if (!seconds || !fraction || *fraction > 999'999 || *seconds > 1'000'000'000'000) return std::nullopt;
  return static_cast<int64_t>(*seconds * 1'000'000 + *fraction);
}

std::string hash_characters(std::string_view id, unsigned depth) {
  std::string source(id);
  if (auto usec = creation_time(id)) source = fmt::format("{:05X}", *usec % 1'000'000);
  source.resize(depth, '_');
  return source;
}

}  // namespace umaya::queue
