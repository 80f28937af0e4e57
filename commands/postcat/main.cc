// NAME    postcat - show the content of queue files
//
// SYNOPSIS
//     postcat [-bdehoqrv] [-c config_dir] [-s offset] [file ...]
//
// DESCRIPTION
//     Prints each file: the envelope, the message, what was added late. Without files, standard input (which must be a
//     file).
//
//     -b             The body.
//     -c config_dir  The instance, for -q; default: $MAIL_CONFIG, else /etc/umaya.
//     -d             The type of each record as a number in front.
//     -e             The envelope.
//     -h             The header. Without -b, -e and -h everything is printed; -bh is the message as it will be sent.
//     -o             The offset in the file in front.
//     -q             The arguments are queue ids; they are searched in all queues.
//     -r             Accepted: records are always shown in the order of the file.
//     -s offset      Leaves out what stands before this offset in the file (see -o).
//
// ERRORS
//     Status 1 when a file is not there, cannot be read or is damaged.
//
// SEE ALSO
//     postqueue(1), postsuper(1)
#include <unistd.h>

#include <cstdio>

#include "commands/postcat/render.h"
#include "libcommon/base/strings.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "libcommon/queue/directories.h"

namespace umaya::postcat {
namespace {

struct Request {
  View view;
  bool by_id = false;
  const char* config_directory = nullptr;
  std::vector<std::string> files;
};

Request parse(int argc, char** argv) {
  Request request;
  View chosen{false, false, false, false, false, 0};
  int letter;
  while ((letter = ::getopt(argc, argv, "bc:dehoqrs:v")) != -1) {
    if (letter == 'b') chosen.body = true;
    if (letter == 'c') request.config_directory = optarg;
    if (letter == 'd') chosen.types = true;
    if (letter == 'e') chosen.envelope = true;
    if (letter == 'h') chosen.header = true;
    if (letter == 'o') chosen.offsets = true;
    if (letter == 'q') request.by_id = true;
    if (letter == 's') {
      auto offset = parse_uint(optarg);
      if (!offset) log::fatal("bad offset \"{}\": -s needs a number of bytes", optarg);
      chosen.skip = *offset;
    }
    if (letter == '?')
      log::fatal(
          "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] "
          "[-e (envelope records)] [-h (header text)] [-o (print offset)] [-q (access queue)] "
          "[-s skip_offset] [-v] [file(s)...]");
  }
  if (!chosen.body && !chosen.envelope && !chosen.header) chosen.body = chosen.envelope = chosen.header = true;
  request.view = chosen;
  for (int i = optind; i < argc; ++i) request.files.emplace_back(argv[i]);
  return request;
}

std::string path_of(const std::string& id, const char* config_directory) {
  auto config = config::Config::load(daemon::config_directory_of(config_directory));
  if (!config) log::fatal("{}", config.error().what);
  queue::QueueDirectories spool(
      config->get("queue_directory"),
      {config->get_list("hash_queue_names"), static_cast<unsigned>(config->get_int("hash_queue_depth").value_or(1))});
  auto where = spool.find(id);
  if (!where) log::fatal("open queue file {}: No such file or directory", id);
  return spool.path(*where, id);
}

void show(int fd, const std::string& path, const View& view) {
  auto message = queue::MessageReader::open(fd);
  if (!message) log::fatal("{}: {}", path, message.error().what);
  auto done = render(*message, path, view, [](std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) log::fatal("write error on standard output");
  });
  if (!done) log::fatal("{}: {}", path, done.error().what);
}

}  // namespace
}  // namespace umaya::postcat

int main(int argc, char** argv) {
  using namespace umaya;
  log::Options options;
  options.tag = "postfix/postcat";
  options.also_stderr = true;
  log::open(std::move(options));
  postcat::Request request = postcat::parse(argc, argv);
  if (request.files.empty()) postcat::show(STDIN_FILENO, "stdin", request.view);
  for (const std::string& name : request.files) {
    std::string path = request.by_id ? postcat::path_of(name, request.config_directory) : name;
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) log::fatal("open {}: {}", path, strerror(errno));
    postcat::show(fd.get(), path, request.view);
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
