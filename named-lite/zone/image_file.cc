#include "named-lite/zone/image_file.h"

#include <unistd.h>

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "libcommon/fs/file.h"
#include "libcommon/fs/temp_file.h"

namespace umaya::named {

namespace {

constexpr std::string_view kFileMark = "umaya zone store";
constexpr uint32_t kFileVersion = 2;
constexpr size_t kImageAlignment = 4096;
constexpr size_t kMostDescription = size_t{16} << 20;
/// Times of files stand still for as long as a tick of the kernel's clock, or longer on simple file systems.
constexpr int64_t kTick = 50'000'000;
constexpr int64_t kCoarseTick = 2'500'000'000;

struct Preamble {
  char mark[16];
  uint32_t file_version;
  uint32_t image_version;
  uint64_t seed;
  uint64_t description_size;
  uint64_t description_sum;
  uint64_t image_offset;
  uint64_t image_size;
  uint64_t image_sum;
  uint64_t sum;  // of what stands before it
};

uint64_t mixed(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Finds damage; no defence against somebody who makes it up.
uint64_t checksum(std::string_view bytes) {
  constexpr uint64_t kFirst = 0x9E3779B97F4A7C15, kSecond = 0xD6E8FEB86659FD93;
  uint64_t lanes[4] = {1, 2, 3, 4};
  auto word = [](const char* at) {
    uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
  };
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 64; left -= 64, at += 64) {
    for (size_t i = 0; i < 4; ++i) {
      lanes[i] = mixed(lanes[i] ^ word(at + 16 * i) ^ kFirst, word(at + 16 * i + 8) ^ kSecond) + kFirst;
    }
  }
  uint64_t sum = bytes.size();
  for (; left > 0; --left, ++at) sum = mixed(sum ^ static_cast<unsigned char>(*at), kFirst) + kSecond;
  for (uint64_t lane : lanes) sum = mixed(sum ^ lane, kSecond) + kFirst;
  return sum;
}

uint64_t own_sum(const Preamble& preamble) {
  return checksum({reinterpret_cast<const char*>(&preamble), offsetof(Preamble, sum)});
}

std::string describe(const ImageOrigin& origin, const Problems& problems) {
  std::string text;
  ByteWriter out(text);
  out.string(origin.rules).u32(static_cast<uint32_t>(origin.sources.size()));
  for (const SourceFile& file : origin.sources) {
    out.string(file.path).u64(file.device).u64(file.inode).u64(file.size);
    out.u64(static_cast<uint64_t>(file.modified)).u64(static_cast<uint64_t>(file.changed));
    out.u64(static_cast<uint64_t>(file.born));
  }
  out.u32(static_cast<uint32_t>(problems.all().size())).u64(problems.dropped());
  for (const Problem& problem : problems.all()) {
    out.u8(static_cast<uint8_t>(problem.severity)).string(problem.place.file).u32(problem.place.line);
    out.u32(problem.place.column).string(problem.what).string(problem.cure);
  }
  return text;
}

/// False when the description cannot be read.
bool read_description(std::string_view text, ImageOrigin& origin, std::vector<Problem>& problems) {
  ByteReader in(text);
  origin.rules = in.string();
  for (uint32_t i = in.u32(); in.ok() && i > 0; --i) {
    SourceFile file;
    file.path = in.string();
    file.device = in.u64();
    file.inode = in.u64();
    file.size = in.u64();
    file.modified = static_cast<int64_t>(in.u64());
    file.changed = static_cast<int64_t>(in.u64());
    file.born = static_cast<int64_t>(in.u64());
    origin.sources.push_back(std::move(file));
  }
  uint32_t count = in.u32();
  in.u64();
  for (; in.ok() && count > 0; --count) {
    Problem problem;
    problem.severity = in.u8() == 0 ? Severity::warning : Severity::error;
    problem.place.file = in.string();
    problem.place.line = in.u32();
    problem.place.column = in.u32();
    problem.what = in.string();
    problem.cure = in.string();
    problems.push_back(std::move(problem));
  }
  return in.at_end();
}

/// The file was written so recently that a later change of it could bear the same times.
bool is_fresh(const SourceFile& file, int64_t now) {
  int64_t last = std::max(file.modified, file.changed);
  int64_t tick = last % 1'000'000'000 == 0 ? kCoarseTick : kTick;
  return last > now - tick;
}

Result<Preamble> read_preamble(int fd, const struct stat& status) {
  Preamble preamble;
  UMAYA_TRY(size_t got, fs::read_at(fd, {reinterpret_cast<char*>(&preamble), sizeof preamble}, 0));
  if (got < sizeof preamble || std::string_view(preamble.mark, kFileMark.size()) != kFileMark ||
      preamble.sum != own_sum(preamble)) {
    return permanent("it is damaged");
  }
  if (preamble.file_version != kFileVersion || preamble.image_version != ZoneImage::kVersion) {
    return permanent("another version of the program wrote it");
  }
  auto size = static_cast<uint64_t>(status.st_size);
  if (preamble.description_size > kMostDescription || preamble.image_offset > size ||
      sizeof preamble + preamble.description_size > preamble.image_offset || preamble.image_size > UINT32_MAX ||
      preamble.image_size != size - preamble.image_offset) {
    return permanent("it is cut off");
  }
  return preamble;
}

Result<> check_owner(const struct stat& status) {
  bool ours = status.st_uid == geteuid() || status.st_uid == 0;
  if (!ours || (status.st_mode & 022) != 0) return permanent("others may write it");
  return {};
}

}  // namespace

Result<> save_image(const std::string& path, const ZoneImage& image, const ImageOrigin& origin,
                    const Problems& problems) {
  UMAYA_TRY(fs::TempFile temp, fs::TempFile::create(fs::parent_directory(path), 0600));
  struct stat status {};
  if (fstat(temp.fd(), &status) != 0) return sys_error("fstat " + temp.path());
  int64_t now = describe_source({}, status, true).changed;
  for (const SourceFile& file : origin.sources) {
    if (!file.steady || is_fresh(file, now)) return temporary(file.path + " was changed just now");
  }
  std::string description = describe(origin, problems);
  if (description.size() > kMostDescription) return permanent("too many files and problems to be noted down");
  Preamble preamble{};
  kFileMark.copy(preamble.mark, sizeof preamble.mark);
  preamble.file_version = kFileVersion;
  preamble.image_version = ZoneImage::kVersion;
  preamble.seed = image.seed();
  preamble.description_size = description.size();
  preamble.description_sum = checksum(description);
  preamble.image_offset =
      (sizeof preamble + description.size() + kImageAlignment - 1) / kImageAlignment * kImageAlignment;
  preamble.image_size = image.bytes().size();
  preamble.image_sum = checksum(image.bytes());
  preamble.sum = own_sum(preamble);
  description.resize(preamble.image_offset - sizeof preamble);
  UMAYA_CHECK(fs::write_all(temp.fd(), {reinterpret_cast<const char*>(&preamble), sizeof preamble}));
  UMAYA_CHECK(fs::write_all(temp.fd(), description));
  UMAYA_CHECK(fs::write_all(temp.fd(), image.bytes()));
  UMAYA_CHECK(fs::sync(temp.fd()));
  UMAYA_CHECK(temp.rename_to(path));
  return fs::sync_directory(fs::parent_directory(path));
}

Result<ImagePtr> load_image(const std::string& path, std::string_view rules, Problems& problems, Sources sources) {
  struct stat status {};
  UMAYA_TRY(Fd fd, fs::open_safe(path, O_RDONLY, status));
  UMAYA_CHECK(check_owner(status));
  UMAYA_TRY(Preamble preamble, read_preamble(fd.get(), status));
  std::string description(preamble.description_size, '\0');
  UMAYA_TRY(size_t got, fs::read_at(fd.get(), description, sizeof preamble));
  ImageOrigin origin;
  std::vector<Problem> saved;
  if (got != description.size() || checksum(description) != preamble.description_sum ||
      !read_description(description, origin, saved)) {
    return permanent("it is damaged");
  }
  if (origin.rules != rules) return permanent("it was made for another configuration");
  for (const SourceFile& file : origin.sources) {
    bool holds = sources == Sources::touched ? is_same_file(file) : is_unchanged(file);
    if (!holds) return permanent(file.path + " has changed");
  }
  auto memory = ImageMemory::create(preamble.image_size + ZoneImage::room_for_changes(preamble.image_size));
  UMAYA_TRY(got, fs::read_at(fd.get(), {memory->writable(), preamble.image_size}, preamble.image_offset));
  if (got != preamble.image_size || checksum({memory->data(), got}) != preamble.image_sum) {
    return permanent("it is damaged");
  }
  memory->claim(0, got);
  UMAYA_TRY(ImagePtr image, ZoneImage::adopt(std::move(memory), got));
  for (Problem& problem : saved) {
    if (problem.severity == Severity::error) return permanent("it has errors");
    problems.warning(std::move(problem.place), std::move(problem.what), std::move(problem.cure));
  }
  return image;
}

std::optional<uint64_t> saved_seed(const std::string& path) {
  struct stat status {};
  auto fd = fs::open_safe(path, O_RDONLY, status);
  if (!fd || !check_owner(status)) return std::nullopt;
  auto preamble = read_preamble(fd->get(), status);
  if (!preamble) return std::nullopt;
  return preamble->seed;
}

}  // namespace umaya::named
