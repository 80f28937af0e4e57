/* fsync_probe - what fsync answers while an ext4 file system is shut down

   usage: fsync_probe DIRECTORY THREADS MICROSECONDS

   Threads create files in DIRECTORY, flush the directory, write 256 KiB and flush the file, until a call fails.
   After the given time the file system is shut down (EXT4_IOC_SHUTDOWN without a flush of the journal). Prints a line for
   every file whose flushes all answered 0:  NAME before|during|after  (the answer came before the shutdown began, while the
   call was under way, after it had returned). fsync_probe.py looks afterwards which of them are there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FILES = 4096, THREADS = 64, SIZE = 256 * 1024 };

static const char* directory;
static atomic_int phase; /* 0 before, 1 during, 2 after */
static unsigned char answers[THREADS][FILES];
static int counts[THREADS];

static int one_file(int dir, int thread, int number) {
  static _Thread_local char data[SIZE];
  char name[32];
  snprintf(name, sizeof name, "f%d-%d", thread, number);
  memset(data, 'a' + number % 26, sizeof data);
  int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (fd < 0) return -1;
  int failed = fsync(dir) != 0 || write(fd, data, sizeof data) != sizeof data || fsync(fd) != 0;
  int then = atomic_load(&phase);
  close(fd);
  if (failed) return -1;
  answers[thread][number] = (unsigned char)then;
  counts[thread] = number + 1;
  return 0;
}

static void* work(void* argument) {
  int thread = (int)(long)argument;
  int dir = open(directory, O_RDONLY | O_DIRECTORY);
  for (int number = 0; dir >= 0 && number < FILES && one_file(dir, thread, number) == 0; ++number) {
  }
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  directory = argv[1];
  int threads = atoi(argv[2]);
  if (threads < 1 || threads > THREADS) return 2;
  pthread_t all[THREADS];
  for (long i = 0; i < threads; ++i) pthread_create(&all[i], NULL, work, (void*)i);
  usleep((unsigned)atoi(argv[3]));
  int fd = open(directory, O_RDONLY);
  unsigned flags = 2; /* no flush of the journal */
  atomic_store(&phase, 1);
  int result = ioctl(fd, _IOR('X', 125, unsigned), &flags);
  atomic_store(&phase, 2);
  if (result != 0) return fprintf(stderr, "EXT4_IOC_SHUTDOWN: %s\n", strerror(errno)), 1;
  for (int i = 0; i < threads; ++i) pthread_join(all[i], NULL);
  static const char* const names[] = {"before", "during", "after"};
  for (int i = 0; i < threads; ++i) {
    for (int number = 0; number < counts[i]; ++number) printf("f%d-%d %s\n", i, number, names[answers[i][number]]);
  }
  return 0;
}
