// NAME    mailbox_fixture - a directory that goes away, messages in it, and system calls that fail on demand
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/mailbox/maildir_delivery.h"

namespace umaya::mailbox::fixture {

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/umaya-mailbox-XXXXXX";
    path_ = ::mkdtemp(name);
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  int fd() const { return fd_.get(); }
  std::string path(const std::string& name = "") const { return path_ + "/" + name; }
  std::string read(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::vector<std::string> list(const std::string& name) const {
    std::vector<std::string> names;
    for (auto& entry : std::filesystem::directory_iterator(path(name))) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string path_;
  Fd fd_;
};

/// A file that holds content as the queue does.
class Message {
 public:
  explicit Message(std::string_view content) : size_(content.size()) {
    char name[] = "/tmp/umaya-message-XXXXXX";
    fd_.reset(::mkostemp(name, O_CLOEXEC));
    ::unlink(name);
    if (::write(fd_.get(), content.data(), content.size()) < 0) std::abort();
  }
  MailboxMessage mail(std::string head = "", uint64_t limit = 0) const {
    return {{fd_.get(), 0, size_}, std::move(head), limit};
  }

 private:
  Fd fd_;
  size_t size_;
};

/// The next calls of fsync (of this process) fail with EIO.
void fail_fsync(int calls, int after = 0);

}  // namespace umaya::mailbox::fixture
