// Building tables from their source files, and changing them from standard input.
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <iterator>

#include "commands/postmap/alias_check.h"
#include "commands/postmap/map_command.h"
#include "libcommon/base/clock.h"
#include "libcommon/daemon/privilege.h"
#include "libcommon/log/log.h"
#include "libcommon/table/writer.h"

namespace umaya::postmap {
namespace {

/// Entries of a source, into a table; stops at the first error.
struct Loader {
  table::TableWriter& writer;
  const Request& request;
  std::function<Result<std::string>(const table::SourceEntry&)> value_from;
  std::string path;
  Result<> problem{};

  void add(const table::SourceEntry& entry) {
    if (!problem) return;
    auto value = value_from(entry);
    if (!value) {
      log::warning("{}, line {}: {}: skipping this entry", path, entry.line, value.error().what);
      return;
    }
    if (request.replace) {
      problem = writer.replace(entry.key, *value);
      return;
    }
    auto added = writer.put(entry.key, *value);
    if (!added) problem = std::unexpected(added.error());
    if (added && !*added && !request.keep_silently) {
      log::warning("{}: duplicate entry: \"{}\"", writer.name(),
                   request.fold ? table::fold_case(entry.key) : entry.key);
    }
  }
};

/// root takes the rights of the source's owner, so that it writes no file into a stranger's directory.
Result<> take_owners_rights(const struct stat& source, const Request& request) {
  if (request.keep_root || geteuid() != 0 || (source.st_uid == 0 && source.st_gid == 0)) return {};
  if (setegid(source.st_gid) != 0 || seteuid(source.st_uid) != 0) return sys_error("take the rights of the owner");
  return {};
}

void give_rights_back() {
  if (getuid() != 0) return;
  if (seteuid(0) != 0 || setegid(getgid()) != 0) log::fatal("cannot take root's rights back");
}

}  // namespace

Result<int> MapCommand::build() {
  for (const std::string& name : request_.tables) {
    auto built = build_one(full_name(name));
    give_rights_back();
    UMAYA_CHECK(built);
  }
  return 0;
}

Result<> MapCommand::build_one(const std::string& name) {
  std::string path = name.substr(name.find(':') + 1);
  table::WriterOptions options;
  options.fold = options_.fold;
  UMAYA_TRY(int64_t map_size, config_.get_int("lmdb_map_size"));
  options.map_size = static_cast<size_t>(map_size);
  if (request_.without_null) options.termination = table::Termination::without_null;
  std::string_view type = std::string_view(name).substr(0, name.find(':'));
  if (!table::can_be_written(type)) {
    UMAYA_TRY(auto unused, table::TableWriter::open(name, options));
    return {};
  }
  UMAYA_TRY(std::string text, table::read_source_file(path));
  struct stat st {};
  if (stat(path.c_str(), &st) != 0) return sys_error("open " + path);
  UMAYA_CHECK(take_owners_rights(st, request_));
  umask(022);
  if (!request_.public_mode && S_ISREG(st.st_mode)) umask(022 | (~st.st_mode & 077));
  UMAYA_TRY(auto writer, table::TableWriter::open(name, options));
  Loader loader{*writer, request_, [this](const table::SourceEntry& e) { return value_from(e); }, path};
  std::vector<table::SourceEntry> aliases;
  auto on_entry = [&](table::SourceEntry entry) {
    loader.add(entry);
    if (flavour_.is_alias) aliases.push_back(std::move(entry));
  };
  auto on_problem = [&](int line, const std::string& what) { log::warning("{}, line {}: {}", path, line, what); };
  flavour_.read(text, {.on_entry = on_entry, .on_problem = on_problem});
  UMAYA_CHECK(loader.problem);
  if (flavour_.is_alias) {
    // Sendmail and NIS look for these to see that the table is complete.
    UMAYA_CHECK(writer->replace_as_is("@", "@"));
    UMAYA_CHECK(writer->replace_as_is("YP_LAST_MODIFIED", fmt::format("{:010}", wall_seconds())));
    UMAYA_CHECK(writer->replace_as_is("YP_MASTER_NAME", config_.get("myhostname")));
  }
  UMAYA_CHECK(writer->commit());
  if (flavour_.is_alias) report_missing_names(config_, path, aliases);
  return {};
}

Result<int> MapCommand::change() {
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  for (const std::string& name : request_.tables) {
    table::WriterOptions options;
    options.mode = table::WriteMode::change;
    options.fold = options_.fold;
    UMAYA_TRY(auto writer, table::TableWriter::open(full_name(name), options));
    Loader loader{*writer, request_, [this](const table::SourceEntry& e) { return value_from(e); }, "stdin"};
    auto on_entry = [&](const table::SourceEntry& entry) { loader.add(entry); };
    auto on_problem = [&](int line, const std::string& what) { log::warning("stdin, line {}: {}", line, what); };
    flavour_.read(text, {.on_entry = on_entry, .on_problem = on_problem});
    UMAYA_CHECK(loader.problem);
    UMAYA_CHECK(writer->commit());
  }
  return 0;
}

}  // namespace umaya::postmap
