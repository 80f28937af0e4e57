// NAME    power_cut - a file system that forgets what was not synced
//
// SYNOPSIS
//     PowerCut model(root);                 // root: an existing directory, empty
//     { fs::ScopedCalls scope(model);  …work beneath root…; }
//     for (size_t k = 0; k <= model.steps(); ++k) model.rebuild(k, Survivors::synced, other);   // then recover there
//
// DESCRIPTION
//     Passes every call on to the real file system and keeps a record of those that change something beneath root.
//     rebuild() makes a directory as a power cut after the first k of them could have left it: with only what was
//     synced (the worst case for data: bytes without fsync of the file, names without fsync of the directory are gone),
//     or with names kept and unsynced bytes lost (the case of a journal that was committed in between), or with
//     everything.
//
// LIMITS
//     Files are written from their end on or overwritten in place; hard links are followed; sparse files are not
//     modelled.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libcommon/fs/calls.h"

namespace umaya::test {

enum class Survivors : unsigned char {
  synced,            ///< what fsync promised, no more
  names_and_synced,  ///< all names, but only synced bytes
  everything,        ///< nothing was lost
};

class PowerCut : public fs::Calls {
 public:
  explicit PowerCut(std::string root) : root_(std::filesystem::canonical(root)) {}

  size_t steps() const { return steps_.size(); }

  int openat(int dir, const char* path, int flags, mode_t mode) override {
    bool is_new = (flags & O_CREAT) != 0 && ::faccessat(dir, path, F_OK, 0) != 0;
    int fd = Calls::openat(dir, path, flags, mode);
    if (fd >= 0 && is_new) note({Kind::create, name_of(dir, path), {}, identity(fd), {}, 0, mode});
    return fd;
  }
  ssize_t write(int fd, const void* data, size_t size) override {
    off_t at = end_of(fd);
    ssize_t n = Calls::write(fd, data, size);
    if (n > 0) note_write(fd, static_cast<const char*>(data), n, at);
    return n;
  }
  ssize_t writev(int fd, const iovec* pieces, int count) override {
    ssize_t done = 0;
    for (int i = 0; i < count; ++i) {
      if (pieces[i].iov_len == 0) continue;
      ssize_t n = write(fd, pieces[i].iov_base, pieces[i].iov_len);  // each piece is a place to stop at
      if (n < 0) return done > 0 ? done : n;
      done += n;
    }
    return done;
  }
  ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) override {
    ssize_t n = Calls::pwrite(fd, data, size, offset);
    if (n > 0) note_write(fd, static_cast<const char*>(data), n, offset);
    return n;
  }
  int ftruncate(int fd, off_t size) override {
    int result = Calls::ftruncate(fd, size);
    if (result == 0) note({Kind::truncate, {}, {}, identity(fd), {}, size, 0});
    return result;
  }
  int fsync(int fd) override {
    int result = Calls::fsync(fd);
    if (result == 0) note_sync(fd);
    return result;
  }
  int fdatasync(int fd) override {
    int result = Calls::fdatasync(fd);
    if (result == 0) note_sync(fd);
    return result;
  }
  int fchmod(int fd, mode_t mode) override {
    int result = Calls::fchmod(fd, mode);
    if (result == 0) note({Kind::chmod, {}, {}, identity(fd), {}, 0, mode});
    return result;
  }
  int renameat(int from_dir, const char* from, int to_dir, const char* to) override {
    int result = Calls::renameat(from_dir, from, to_dir, to);
    if (result == 0) note({Kind::rename, name_of(from_dir, from), name_of(to_dir, to), 0, {}, 0, 0});
    return result;
  }
  int linkat(int from_dir, const char* from, int to_dir, const char* to) override {
    int result = Calls::linkat(from_dir, from, to_dir, to);
    if (result == 0) note({Kind::link, name_of(from_dir, from), name_of(to_dir, to), 0, {}, 0, 0});
    return result;
  }
  int unlinkat(int dir, const char* path, int flags) override {
    std::string name = name_of(dir, path);
    int result = Calls::unlinkat(dir, path, flags);
    if (result == 0) note({Kind::unlink, name, {}, 0, {}, 0, 0});
    return result;
  }
  int mkdirat(int dir, const char* path, mode_t mode) override {
    int result = Calls::mkdirat(dir, path, mode);
    if (result == 0) note({Kind::mkdir, name_of(dir, path), {}, 0, {}, 0, mode});
    return result;
  }

  /// What is left beneath `into` (made anew) of the first k steps.
  void rebuild(size_t k, Survivors survivors, const std::string& into) const {
    State state;
    for (size_t i = 0; i < k; ++i) apply(steps_[i], state);
    std::filesystem::remove_all(into);
    std::filesystem::create_directories(into);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      if (entry.is_directory() && !made_.contains(name_of(entry.path().c_str()))) {
        std::filesystem::create_directories(into + "/" + name_of(entry.path().c_str()));
      }
    }
    bool all_names = survivors != Survivors::synced;
    for (const auto& [name, inode] : all_names ? state.names : state.synced_names) {
      std::filesystem::path path = into + "/" + name;
      if (inode->is_directory) {
        std::filesystem::create_directories(path);
        continue;
      }
      if (!std::filesystem::exists(path.parent_path())) continue;  // its directory was not synced
      bool all_bytes = survivors == Survivors::everything;
      std::ofstream(path, std::ios::binary) << (all_bytes ? inode->bytes : inode->synced_bytes);
      ::chmod(path.c_str(), all_bytes ? inode->mode : inode->synced_mode);
    }
  }

 private:
  enum class Kind : unsigned char { create, write, truncate, sync, sync_directory, chmod, rename, link, unlink, mkdir };
  struct Step {
    Kind kind;
    std::string name;
    std::string to;
    uint64_t inode = 0;
    std::string bytes;
    off_t offset = 0;
    mode_t mode = 0;
  };
  struct Inode {
    std::string bytes, synced_bytes;
    mode_t mode = 0600, synced_mode = 0600;
    bool is_directory = false;
  };
  /// shared: a file has a name before and after a sync of its directory.
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct State {
    Names names, synced_names;
    std::map<uint64_t, std::shared_ptr<Inode>> by_number;
  };

  std::string name_of(const char* path) const {
    std::string full = std::filesystem::weakly_canonical(std::filesystem::path(path).parent_path()) /
                       std::filesystem::path(path).filename();
    return full.starts_with(root_ + "/") ? full.substr(root_.size() + 1) : std::string();
  }
  std::string name_of(int dir, const char* path) const {
    if (dir == AT_FDCWD || *path == '/') return name_of(path);
    return name_of((std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(dir)) / path).c_str());
  }
  static uint64_t identity(int fd) {
    struct stat status {};
    ::fstat(fd, &status);
    return status.st_ino;
  }
  static off_t end_of(int fd) {
    if ((::fcntl(fd, F_GETFL) & O_APPEND) == 0) return ::lseek(fd, 0, SEEK_CUR);
    struct stat status {};
    ::fstat(fd, &status);
    return status.st_size;
  }
  void note(Step step) {
    std::lock_guard guard(lock_);  // worker pools sync side by side
    if (step.kind == Kind::mkdir) made_.emplace(step.name, true);
    steps_.push_back(std::move(step));
  }
  void note_write(int fd, const char* data, ssize_t n, off_t at) {
    note({Kind::write, {}, {}, identity(fd), std::string(data, static_cast<size_t>(n)), at, 0});
  }
  void note_sync(int fd) {
    struct stat status {};
    ::fstat(fd, &status);
    if (!S_ISDIR(status.st_mode)) return note({Kind::sync, {}, {}, status.st_ino, {}, 0, 0});
    std::string path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
    note({Kind::sync_directory, path == root_ ? "" : name_of(path.c_str()), {}, 0, {}, 0, 0});
  }
  static void apply(const Step& step, State& state) {
    auto inode = state.by_number.find(step.inode);
    auto file = inode == state.by_number.end() ? nullptr : inode->second;
    switch (step.kind) {
      case Kind::create:
        file = std::make_shared<Inode>();
        file->mode = file->synced_mode = step.mode;
        state.by_number[step.inode] = state.names[step.name] = file;
        break;
      case Kind::mkdir:
        file = std::make_shared<Inode>();
        file->is_directory = true;
        state.names[step.name] = file;
        break;
      case Kind::write:
        if (!file) break;
        if (file->bytes.size() < static_cast<size_t>(step.offset) + step.bytes.size()) {
          file->bytes.resize(static_cast<size_t>(step.offset) + step.bytes.size());
        }
        file->bytes.replace(static_cast<size_t>(step.offset), step.bytes.size(), step.bytes);
        break;
      case Kind::truncate:
        if (file) file->bytes.resize(static_cast<size_t>(step.offset));
        break;
      case Kind::chmod:
        if (file) file->mode = step.mode;
        break;
      case Kind::sync:
        if (file) file->synced_bytes = file->bytes, file->synced_mode = file->mode;
        break;
      case Kind::sync_directory:
        sync_directory(step.name, state);
        break;
      case Kind::rename:
        state.names[step.to] = state.names[step.name];
        state.names.erase(step.name);
        break;
      case Kind::link:
        state.names[step.to] = state.names[step.name];
        break;
      case Kind::unlink:
        state.names.erase(step.name);
        break;
    }
  }
  static bool is_in(const std::string& name, const std::string& directory) {
    size_t slash = name.rfind('/');
    return (slash == std::string::npos ? "" : name.substr(0, slash)) == directory;
  }
  static void sync_directory(const std::string& directory, State& state) {
    std::erase_if(state.synced_names, [&](const auto& entry) { return is_in(entry.first, directory); });
    for (const auto& [name, inode] : state.names) {
      if (is_in(name, directory)) state.synced_names[name] = inode;
    }
  }

  std::string root_;
  std::mutex lock_;
  std::vector<Step> steps_;
  std::map<std::string, bool> made_;
};

}  // namespace umaya::test
