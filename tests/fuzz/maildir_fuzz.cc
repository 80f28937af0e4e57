// LINK umaya_mailbox
// NAME    maildir_fuzz - names in a Maildir and what the reader tells of them; the size of a message on the wire
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/base/strings.h"
#include "libcommon/mailbox/pop_box.h"
#include "libcommon/mailbox/wire_size.h"

using namespace umaya;

namespace {

struct Box {
  Box() {
    char pattern[] = "/dev/shm/umaya-maildir-fuzz-XXXXXX";
    if (!mkdtemp(pattern)) std::abort();
    path = pattern;
    for (const char* part : {"/cur", "/new", "/tmp"}) mkdir((path + part).c_str(), 0700);
  }
  ~Box() {
    for (const char* file : {"/umaya-index", "/dovecot-uidlist"}) unlink((path + file).c_str());
    for (const char* part : {"/cur", "/new", "/tmp", ""}) rmdir((path + part).c_str());
  }
  std::string path;
};

}  // namespace

// Input: the first line is a file name (what cannot be one is left out), the rest its content.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Box box;
  std::string_view in(reinterpret_cast<const char*>(data), size);
  std::string name;
  for (char c : in.substr(0, std::min<size_t>(in.find('\n'), 255))) {
    if (c != '/' && c != '\0') name += c;
  }
  std::string_view content = in.substr(std::min(in.find('\n'), size));
  mailbox::WireCounter whole, pieces;
  whole.feed(content);
  for (char c : content) pieces.feed({&c, 1});
  uint64_t octets = whole.finish();
  if (pieces.finish() != octets) std::abort();
  if (name.empty() || name == "." || name == "..") return 0;
  std::string path = box.path + (name.find(':') == name.npos ? "/new/" : "/cur/") + name;
  Fd file(open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (!file) return 0;
  if (write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) std::abort();
  auto reader = mailbox::PopBox::open("maildir:" + box.path, {});
  if (!reader || (*reader)->count() > 1) std::abort();
  if ((*reader)->count() == 1) {
    std::string id;
    if (!(*reader)->unique_id(0, id) || id.empty() || id.size() > 70) std::abort();
    for (char c : id) {
      if (!ascii_print(c) || c == ' ') std::abort();
    }
    auto told = (*reader)->size(0);
    if (!told || (name.find("W=") == name.npos && *told != octets)) std::abort();
    if (!(*reader)->open_message(0)) std::abort();
    size_t first = 0;
    if (!(*reader)->remove({&first, 1})) std::abort();
  }
  unlink(path.c_str());
  return 0;
}
