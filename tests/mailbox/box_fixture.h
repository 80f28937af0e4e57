// NAME    box_fixture - a Maildir that goes away with the test, and what POP3 sees of it
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "libcommon/mailbox/pop_box.h"
#include "tests/support/temp_directory.h"

namespace umaya::mailbox::fixture {

namespace stdfs = std::filesystem;

class MaildirTree {
 public:
  MaildirTree() {
    for (const char* name : {"new", "cur", "tmp"}) stdfs::create_directories(path() + "/" + name);
  }
  std::string path() const { return root_ / "Maildir"; }
  std::string location() const { return "maildir:" + path(); }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path() + "/" + name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path() + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool has(const std::string& name) const { return stdfs::exists(path() + "/" + name); }
  void move(const std::string& from, const std::string& to) const {
    stdfs::rename(path() + "/" + from, path() + "/" + to);
  }
  void remove(const std::string& name) const { stdfs::remove(path() + "/" + name); }
  /// Directories that were not changed lately.
  void settle() const {
    for (const char* name : {"/new", "/cur"}) {
      timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 100, next_nsec_++}};
      ::utimensat(AT_FDCWD, (path() + name).c_str(), times, 0);
    }
  }
  std::vector<std::string> names(const std::string& folder) const {
    std::vector<std::string> all;
    for (auto& entry : stdfs::directory_iterator(path() + "/" + folder)) all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  test::TempDirectory root_;
  mutable long next_nsec_ = 1;
};

inline std::unique_ptr<PopBox> open_box(const std::string& location, const PopBox::Options& options = {}) {
  auto box = PopBox::open(location, options);
  INFO((box ? "" : box.error().what));
  REQUIRE(box);
  return std::move(*box);
}

inline std::vector<std::string> ids(PopBox& box) {
  std::vector<std::string> all(box.count());
  for (size_t i = 0; i < all.size(); ++i) REQUIRE(box.unique_id(i, all[i]));
  return all;
}

inline std::vector<std::string> ids(const std::string& location, const PopBox::Options& options = {}) {
  return ids(*open_box(location, options));
}

inline std::vector<uint64_t> sizes(PopBox& box) {
  std::vector<uint64_t> all;
  for (size_t i = 0; i < box.count(); ++i) all.push_back(box.size(i).value());
  return all;
}

inline std::string text_of(PopBox& box, size_t i) {
  auto body = box.open_message(i);
  REQUIRE(body);
  std::string text(body->size, '\0');
  REQUIRE(pread(body->file.get(), text.data(), text.size(), static_cast<off_t>(body->offset)) ==
          static_cast<ssize_t>(text.size()));
  return text;
}

}  // namespace umaya::mailbox::fixture
