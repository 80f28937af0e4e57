#include "libcommon/table/lmdb_env.h"

namespace umaya::table {
namespace {

int set_lock(int fd, off_t byte, short kind) {
  struct flock lock {};
  lock.l_type = kind;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  int result;
  do {
    result = fcntl(fd, F_OFD_SETLKW, &lock);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

Result<LmdbEnv> LmdbEnv::open(const std::string& path, LmdbMode mode, unsigned file_mode, size_t size) {
  LmdbEnv out;
  bool writes = mode == LmdbMode::write;
  out.lock_.reset(::open(path.c_str(), (writes ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, file_mode));
  if (!out.lock_) return sys_error("open database " + path);
  MDB_env* env = nullptr;
  if (int error = mdb_env_create(&env); error != 0) return lmdb_error(path, error);
  out.env_.reset(env);
  if (size > 0) mdb_env_set_mapsize(env, size);
  unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | (writes ? 0U : MDB_RDONLY);
  if (int error = mdb_env_open(env, path.c_str(), flags, file_mode); error != 0) return lmdb_error(path, error);
  return out;
}

ByteLock::ByteLock(int fd, off_t byte, Kind kind)
    : fd_(fd), byte_(byte), held_(set_lock(fd, byte, static_cast<short>(kind)) == 0) {}

ByteLock::~ByteLock() {
  if (held_) set_lock(fd_, byte_, F_UNLCK);
}

std::unexpected<Error> lmdb_error(const std::string& path, int error) {
  return temporary("open database " + path + ": " + mdb_strerror(error));
}

}  // namespace umaya::table
