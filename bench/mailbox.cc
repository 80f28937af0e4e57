// NAME    bench_mailbox - what a POP3 session costs in the mailbox library: bench_mailbox [messages [rounds]]
//
// DESCRIPTION
//     Makes a Maildir with that many small messages in /dev/shm and measures the CPU time of this process for what a
//     session does: open and STAT, then LIST, UIDL, with an index that holds; the first log-in without an index; and
//     the log-in after one delivery. Prints medians in microseconds.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include "libcommon/base/strings.h"
#include "libcommon/mailbox/pop_box.h"

using namespace umaya;
using namespace umaya::mailbox;
namespace stdfs = std::filesystem;

namespace {

double cpu_microseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto micros = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

std::unique_ptr<PopBox> open_box(const std::string& path) {
  auto box = PopBox::open("maildir:" + path, {});
  if (!box) {
    fmt::print("{}\n", box.error().what);
    exit(1);
  }
  return std::move(*box);
}

void stat_command(PopBox& box) {
  if (!box.total_size()) exit(1);
}

void list_command(PopBox& box) {
  std::string text;
  for (size_t i = 0; i < box.count(); ++i) text += std::to_string(i + 1) + " " + std::to_string(*box.size(i)) + "\r\n";
}

void uidl_command(PopBox& box) {
  std::string text;
  for (size_t i = 0; i < box.count(); ++i) {
    text += std::to_string(i + 1) + " ";
    if (!box.unique_id(i, text)) exit(1);
    text += "\r\n";
  }
}

void measure(const char* what, int rounds, const std::function<void()>& work,
             const std::function<void()>& before = {}) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    if (before) before();
    double begin = cpu_microseconds();
    work();
    times.push_back(cpu_microseconds() - begin);
  }
  std::sort(times.begin(), times.end());
  fmt::print("{:34} {:9.1f} us\n", what, times[times.size() / 2]);
}

void settle(const std::string& path) {
  static long nanosecond = 1;
  for (const char* name : {"/new", "/cur"}) {
    timespec times[2] = {{0, UTIME_OMIT}, {1'700'000'000, nanosecond++}};
    utimensat(AT_FDCWD, (path + name).c_str(), times, 0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  size_t messages = argc > 1 ? parse_uint(argv[1]).value_or(10'000) : 10'000;
  int rounds = argc > 2 ? static_cast<int>(parse_uint(argv[2]).value_or(50)) : 50;
  std::string path = fmt::format("/dev/shm/umaya-bench-mailbox-{}", getpid());
  for (const char* name : {"/new", "/cur", "/tmp"}) stdfs::create_directories(path + name);
  for (size_t i = 0; i < messages; ++i) {
    std::ofstream(fmt::format("{}/cur/{}.M{:06}P{}V801I{:x}.mail.example.test,S=16,W=18:2,S", path, 1'600'000'000 + i,
                              i * 7 % 1'000'000, 1000 + i % 900, i))
        << "Subject: x\n\nxyz\n";
  }
  fmt::print("{} messages, medians of {} rounds\n", messages, rounds);
  auto forget = [&] {
    stdfs::remove(path + "/umaya-index");
    stdfs::remove(path + "/dovecot-uidlist");
  };
  measure(
      "first log-in: open, STAT", 5, [&] { stat_command(*open_box(path)); }, forget);
  measure(
      "index lost: open, STAT", 5, [&] { stat_command(*open_box(path)); },
      [&] { stdfs::remove(path + "/umaya-index"); });
  settle(path);
  open_box(path);
  measure("open, STAT", rounds, [&] { stat_command(*open_box(path)); });
  measure("open, STAT, LIST", rounds, [&] {
    auto box = open_box(path);
    stat_command(*box);
    list_command(*box);
  });
  measure("open, STAT, UIDL", rounds, [&] {
    auto box = open_box(path);
    stat_command(*box);
    uidl_command(*box);
  });
  int delivered = 0;
  measure(
      "after a delivery: open, STAT, UIDL", 9,
      [&] {
        auto box = open_box(path);
        stat_command(*box);
        uidl_command(*box);
      },
      [&] {
        settle(path);
        open_box(path);
        std::ofstream(fmt::format("{}/new/{}.M1P1.host,S=16,W=18", path, 1'900'000'000 + delivered++))
            << "Subject: x\n\nxyz\n";
      });
  if (!getenv("KEEP")) stdfs::remove_all(path);
  return 0;
}
