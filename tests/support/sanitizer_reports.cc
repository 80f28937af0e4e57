// NAME    sanitizer_reports - where a program of the sanitizer build writes what it finds
//
// DESCRIPTION
//     Linked into every program when UMAYA_ASAN is on, never otherwise. Daemons run with /dev/null for standard error
//     and an environment of their own, so the options stand here: each report goes to a file of its own in
//     UMAYA_SANITIZER_REPORTS (made only when there is something to report), and the process ends by SIGABRT, which
//     master logs. tests/e2e fails the story in which a report appears, tests/run_e2e.sh the whole run.
//     $ASAN_OPTIONS and $UBSAN_OPTIONS still win, in programs that get them.
//
//     Three kinds of process are not searched for leaks at their end, as the search cannot work in them: such as have
//     changed their effective user only (postsuper), such as have no descriptor left, and such as can start no process.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// Kept so that a report can be opened when there are no other descriptors left.
int spare_descriptor = -1;

void release_descriptor() {
  if (spare_descriptor >= 0) close(spare_descriptor);
  spare_descriptor = -1;
}

/// g++ has the two sanitizers in libraries of their own; UBSan takes no log_path from its options beside ASan.
void set_ubsan_report_path() {
  void* library = dlopen("libubsan.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return;
  using SetPath = void (*)(const char*);
  if (auto set_path = reinterpret_cast<SetPath>(dlsym(library, "__sanitizer_set_report_path"))) {
    set_path(UMAYA_SANITIZER_REPORTS "/report.ubsan");
  }
  dlclose(library);
}

/// The search runs in a process of its own.
bool can_start_process() {
  pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return true;
}

[[gnu::constructor]] void prepare_reports() {
  set_ubsan_report_path();
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  spare_descriptor = fcntl(null, F_DUPFD_CLOEXEC, 16);  // the low numbers may mean something to the program
  close(null);
}

}  // namespace

extern "C" {

const char* __asan_default_options();
const char* __ubsan_default_options();
void __asan_on_error();
void __ubsan_on_report();
int __lsan_is_turned_off();

const char* __asan_default_options() {
  return "log_path=" UMAYA_SANITIZER_REPORTS
         "/report.asan:log_exe_name=1:abort_on_error=1:disable_coredump=1:"
         "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1";
}

const char* __ubsan_default_options() {
  return "abort_on_error=1:print_stacktrace=1:log_exe_name=1";
}

void __asan_on_error() {
  release_descriptor();
}

void __ubsan_on_report() {
  release_descriptor();
}

int __lsan_is_turned_off() {
  if (getuid() != geteuid()) return 1;
  release_descriptor();
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0) return 1;
  close(null);
  return can_start_process() ? 0 : 1;
}

}  // extern "C"
