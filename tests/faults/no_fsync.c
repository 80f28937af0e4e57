/* no_fsync - preloaded by the mutation check of the power-cut harness: nothing is ever flushed */
#include <fcntl.h>
#include <unistd.h>

int fsync(int fd) { return fcntl(fd, F_GETFD) < 0 ? -1 : 0; }
int fdatasync(int fd) { return fsync(fd); }
int sync_file_range(int fd, off_t offset, off_t size, unsigned flags) {
  (void)offset, (void)size, (void)flags;
  return fsync(fd);
}
int syncfs(int fd) { return fsync(fd); }
void sync(void) {}
