#include "commands/postmap/map_command.h"

#include <cstdio>
#include <iostream>

#include "libcommon/base/strings.h"
#include "libcommon/daemon/daemon.h"
#include "libcommon/event/loop.h"
#include "libcommon/fs/file.h"
#include "libcommon/log/log.h"
#include "libcommon/message/mime.h"
#include "libcommon/table/writer.h"

namespace umaya::postmap {
namespace {

constexpr size_t kLargestValueFile = 16 * 1024 * 1024;

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 32) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// Headers and body lines of a message on standard input, as keys.
class MessageKeys : public message::MimeEvents {
 public:
  using OnKey = std::function<void(std::string key)>;
  MessageKeys(const Request& request, OnKey on_key) : request_(request), on_key_(std::move(on_key)) {}
  void on_header(message::HeaderClass header_class, const message::Header& header) override {
    bool is_part = header_class == message::HeaderClass::nested;
    if (!request_.message_headers || (is_part && !request_.mime)) return;
    std::string key;
    for (char c : header.raw) {
      if (c != '\r') key += c;
    }
    on_key_(std::move(key));
  }
  void on_headers_end(message::HeaderClass, bool) override {}
  void on_body_line(std::string_view line, bool) override {
    if (request_.message_body) on_key_(std::string(line));
  }

 private:
  const Request& request_;
  OnKey on_key_;
};

/// A question to a table that may have to wait.
event::Task<table::Lookup> ask(table::Table* table, std::string key) {
  return table->lookup(std::move(key));
}

}  // namespace

MapCommand::MapCommand(const Flavour& flavour, const Request& request, const config::Config& config)
    : flavour_(flavour), request_(request), config_(config), drivers_(&config), options_(table::options_from(config)) {
  options_.fold = request.fold ? table::CaseRule::fold : table::CaseRule::keep;
  options_.duplicates = table::Duplicates::warn;
  options_.databases = &drivers_;
}

std::string MapCommand::full_name(const std::string& table) const {
  size_t colon = table.find(':');
  bool has_type = colon != std::string::npos && table.find_first_of("/{") > colon;
  std::string type = has_type ? table.substr(0, colon) : options_.default_type;
  return std::string(table::real_type(type)) + ":" + (has_type ? table.substr(colon + 1) : table);
}

Result<> MapCommand::open_tables() {
  for (const std::string& name : request_.tables) {
    UMAYA_TRY(auto opened, table::open(options_, full_name(name)));
    open_.push_back(std::move(opened));
  }
  return {};
}

void MapCommand::print(std::string_view key, std::string_view value) const {
  if (request_.json) {
    fmt::print("{{{}: {}}}\n", json_text(key), json_text(value));
  } else {
    fmt::print("{}{}{}\n", key, flavour_.key_end, value);
  }
}

/// With -F, values are files in base64.
Result<std::string> MapCommand::value_of(std::string_view stored) const {
  if (!request_.value_is_file) return std::string(stored);
  auto decoded = base64_decode(stored);
  if (!decoded) return permanent("malformed BASE64 value: " + std::string(stored.substr(0, 30)));
  return std::move(*decoded);
}

Result<std::optional<std::string>> MapCommand::find(std::string_view key) {
  for (auto& opened : open_) {
    table::Lookup answer = event::run_until_done(ask(opened.get(), std::string(key)));
    if (answer.is_error()) return permanent("table " + opened->name() + ": query error: " + answer.error().what);
    if (!answer.found()) continue;
    if (answer.value().empty()) {
      log::warning("table {}: key {}: empty string result is not allowed", opened->name(), key);
      log::warning("table {} should return NO RESULT in case of NOT FOUND", opened->name());
    }
    UMAYA_TRY(std::string value, value_of(answer.value()));
    return std::optional(std::move(value));
  }
  return std::optional<std::string>{};
}

Result<int> MapCommand::query_one(const std::string& key) {
  // Tables are opened one by one, as they are needed.
  for (const std::string& name : request_.tables) {
    open_.clear();
    UMAYA_TRY(auto opened, table::open(options_, full_name(name)));
    open_.push_back(std::move(opened));
    UMAYA_TRY(auto value, find(key));
    if (!value) continue;
    if (request_.json) {
      print(key, *value);
    } else {
      fmt::print("{}\n", *value);
    }
    return 0;
  }
  return 1;
}

Result<int> MapCommand::query_lines() {
  UMAYA_CHECK(open_tables());
  int status = 1;
  std::string key;
  while (std::getline(std::cin, key)) {
    UMAYA_TRY(auto value, find(key));
    if (!value) continue;
    print(key, *value);
    status = 0;
  }
  return status;
}

Result<int> MapCommand::query_message() {
  UMAYA_CHECK(open_tables());
  int status = 1;
  Result<> problem;
  MessageKeys keys(request_, [&](const std::string& key) {
    auto value = find(key);
    if (!value) problem = std::unexpected(value.error());
    if (!value || !*value) return;
    print(key, **value);
    status = 0;
  });
  message::MimeScanner scanner(keys);
  std::string line;
  while (problem && std::getline(std::cin, line)) scanner.feed(line + "\n");
  scanner.finish();
  UMAYA_CHECK(problem);
  return status;
}

Result<int> MapCommand::dump() {
  UMAYA_CHECK(open_tables());
  for (auto& opened : open_) {
    auto listed = opened->for_each([&](std::string_view key, std::string_view value) {
      auto shown = value_of(value);
      print(key, shown ? *shown : std::string(value));
    });
    if (!listed) return permanent("table " + opened->name() + ": sequence operation is not supported");
  }
  return 0;
}

Result<int> MapCommand::remove() {
  std::vector<std::string> keys;
  if (*request_.delete_key == "-") {
    for (std::string key; std::getline(std::cin, key);) keys.push_back(key);
  } else {
    keys.push_back(*request_.delete_key);
  }
  int status = 1;
  for (const std::string& name : request_.tables) {
    table::WriterOptions options;
    options.mode = table::WriteMode::change;
    options.fold = options_.fold;
    UMAYA_TRY(auto writer, table::TableWriter::open(full_name(name), options));
    for (const std::string& key : keys) {
      UMAYA_TRY(bool removed, writer->remove(key));
      if (removed) status = 0;
    }
    UMAYA_CHECK(writer->commit());
  }
  return status;
}

Result<std::string> MapCommand::value_from(const table::SourceEntry& entry) const {
  if (!request_.value_is_file) return entry.value;
  std::string joined;
  for (std::string_view path : split_list(entry.value)) {
    auto content = fs::read_file(std::string(path), kLargestValueFile);
    if (!content) return std::unexpected(content.error());
    joined += *content;
  }
  return base64_encode(joined);
}

Result<int> MapCommand::execute() {
  if (request_.delete_key) return remove();
  if (request_.query_key == "-") {
    return request_.message_body || request_.message_headers ? query_message() : query_lines();
  }
  if (request_.query_key) return query_one(*request_.query_key);
  if (request_.dump) return dump();
  return request_.incremental ? change() : build();
}

int run(int argc, char** argv, const Flavour& flavour) {
  log::open({.tag = std::string(flavour.program), .file = "-", .also_stderr = true});
  auto request = parse_arguments(argc, argv, flavour);
  if (!request) log::fatal("{}", request.error().what);
  std::string directory =
      daemon::config_directory_of(request->config_directory.empty() ? nullptr : request->config_directory.c_str());
  auto config = config::Config::load(directory);
  if (!config) log::fatal("{}", config.error().what);
  log::open({.tag = config->get("syslog_name") + "/" + std::string(flavour.program),
             .file = config->get("maillog_file"),
             .facility = config->get("syslog_facility"),
             .also_stderr = true,
             .verbose = request->verbose});
  MapCommand command(flavour, *request, *config);
  auto status = command.execute();
  std::fflush(stdout);
  if (!status) log::fatal("{}", status.error().what);
  return *status;
}

}  // namespace umaya::postmap
