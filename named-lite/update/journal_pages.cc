#include "named-lite/update/journal_pages.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace umaya::named {

namespace {

constexpr uint32_t kMagic = 0xBEEFC0DE;
constexpr size_t kPageHead = 16;   // number, pad, flags, bounds or count of pages
constexpr size_t kNodeHead = 8;    // low and high half of size or page, flags, size of the key
constexpr size_t kTreeSize = 48;   // of the description of a tree
constexpr size_t kMetaTrees = 24;  // offset of the trees behind a page's head
constexpr size_t kMetaSize = kPageHead + kMetaTrees + 2 * kTreeSize + 16;
constexpr uint64_t kNoPage = UINT64_MAX;
constexpr uint16_t kBranch = 1, kLeaf = 2, kOverflow = 4, kMeta = 8;  // flags of a page
constexpr uint16_t kBigData = 1;                                      // flag of a node: its data are in pages apart
constexpr size_t kLeastPage = 512;
constexpr size_t kMostPage = 65536;

template <class T>
T number_at(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

uint16_t flags_of(std::string_view page) {
  return number_at<uint16_t>(page, 10);
}

struct Root {
  size_t page_size = 0;
  uint64_t trees[2] = {kNoPage, kNoPage};
  uint64_t last_page = 0;
  uint64_t transaction = 0;
};

/// The root that begins at an offset; nothing when there is none.
std::optional<Root> root_at(std::string_view file, size_t at) {
  if (file.size() < kMetaSize || at > file.size() - kMetaSize) return std::nullopt;
  std::string_view page = file.substr(at);
  std::string_view body = page.substr(kPageHead);
  if ((flags_of(page) & kMeta) == 0 || number_at<uint32_t>(body, 0) != kMagic) return std::nullopt;
  Root root;
  root.page_size = number_at<uint32_t>(body, kMetaTrees);
  for (size_t i = 0; i < 2; ++i) root.trees[i] = number_at<uint64_t>(body, kMetaTrees + (i + 1) * kTreeSize - 8);
  root.last_page = number_at<uint64_t>(body, kMetaTrees + 2 * kTreeSize);
  root.transaction = number_at<uint64_t>(body, kMetaTrees + 2 * kTreeSize + 8);
  bool is_power = (root.page_size & (root.page_size - 1)) == 0;
  if (root.page_size < kLeastPage || root.page_size > kMostPage || !is_power) return std::nullopt;
  return root;
}

/// The one that LMDB takes: of the last transaction.
std::optional<Root> newest_root(std::string_view file) {
  auto first = root_at(file, 0);
  if (!first) return std::nullopt;
  auto second = root_at(file, first->page_size);
  if (!second || second->page_size != first->page_size) return std::nullopt;
  return second->transaction > first->transaction ? second : first;
}

class Walk {
 public:
  Walk(std::string_view file, const Root& root) : file_(file), root_(root), count_(file.size() / root.page_size) {
    if (root.last_page < count_) count_ = root.last_page + 1;
  }

  std::string run() {
    for (uint64_t tree : root_.trees) {
      if (tree != kNoPage) open_.push_back(tree);
    }
    uint64_t visited = 0;
    while (!open_.empty() && damage_.empty()) {
      uint64_t number = open_.back();
      open_.pop_back();
      if (++visited > count_) damage_ = "its pages lead round in a circle";
      if (damage_.empty()) visit(number);
    }
    return damage_;
  }

 private:
  void missing(uint64_t number) { damage_ = "page " + std::to_string(number) + " is not there"; }

  /// A run of pages that begins with this number; empty when it is not all there.
  std::string_view pages(uint64_t number, uint64_t count = 1) {
    bool there = number >= 2 && number < count_ && count <= count_ - number;
    std::string_view found =
        there ? file_.substr(number * root_.page_size, count * root_.page_size) : std::string_view();
    if (found.empty() || number_at<uint64_t>(found, 0) != number) {
      missing(number);
      return {};
    }
    return found;
  }

  void visit(uint64_t number) {
    std::string_view page = pages(number);
    if (page.empty()) return;
    bool branch = (flags_of(page) & kBranch) != 0;
    bool leaf = (flags_of(page) & kLeaf) != 0;
    size_t lower = number_at<uint16_t>(page, 12);
    if (branch == leaf || lower < kPageHead || lower > page.size() || lower % 2 != 0) return missing(number);
    for (size_t at = kPageHead; at < lower && damage_.empty(); at += 2) {
      size_t node = number_at<uint16_t>(page, at);
      if (node < lower || node + kNodeHead > page.size()) return missing(number);
      branch ? child(page, node) : data(page, node, number);
    }
  }

  void child(std::string_view page, size_t node) {
    uint64_t low = number_at<uint16_t>(page, node);
    uint64_t middle = number_at<uint16_t>(page, node + 2);
    uint64_t high = number_at<uint16_t>(page, node + 4);
    open_.push_back(low | middle << 16 | high << 32);
  }

  void data(std::string_view page, size_t node, uint64_t number) {
    size_t key = number_at<uint16_t>(page, node + 6);
    size_t size = number_at<uint16_t>(page, node) | size_t{number_at<uint16_t>(page, node + 2)} << 16;
    bool apart = (number_at<uint16_t>(page, node + 4) & kBigData) != 0;
    if (node + kNodeHead + key + (apart ? sizeof(uint64_t) : size) > page.size()) return missing(number);
    if (!apart) return;
    auto first = number_at<uint64_t>(page, node + kNodeHead + key);
    std::string_view head = pages(first);
    if (head.empty()) return;
    uint64_t count = number_at<uint32_t>(head, 12);
    bool whole = (flags_of(head) & kOverflow) != 0 && count > 0 && count * root_.page_size >= kPageHead + size;
    if (!whole) return missing(first);
    (void)pages(first, count);
  }

  std::string_view file_;
  const Root& root_;
  uint64_t count_;  // of pages that are there and may be used
  std::vector<uint64_t> open_;
  std::string damage_;
};

}  // namespace

std::string page_damage(std::string_view file) {
  auto root = newest_root(file);
  if (!root) return "it is no such file, or its first pages are not there";
  return Walk(file, *root).run();
}

bool has_all_pages(int fd) {
  struct stat status {};
  std::string start(kMostPage + kMetaSize, '\0');
  ssize_t size = ::pread(fd, start.data(), start.size(), 0);
  if (::fstat(fd, &status) != 0 || size < 0) return false;
  start.resize(static_cast<size_t>(size));
  auto root = newest_root(start);
  return root && static_cast<uint64_t>(status.st_size) / root->page_size > root->last_page;
}

std::string page_damage_in(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_size <= 0) return {};
  auto size = static_cast<size_t>(status.st_size);
  void* base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return {};  // opening it fails as well, and says why
  std::string damage = page_damage({static_cast<const char*>(base), size});
  ::munmap(base, size);
  return damage;
}

}  // namespace umaya::named
