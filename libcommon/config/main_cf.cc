#include "libcommon/config/main_cf.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/config/logical_lines.h"

namespace umaya::config {
namespace {

constexpr size_t kLargestFile = 16 * 1024 * 1024;

/// Splits at the first '='; nothing when there is none or the name is not one word.
std::optional<std::pair<std::string_view, std::string_view>> split_setting(std::string_view text) {
  size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  std::string_view name = trim(text.substr(0, equals));
  for (char c : name) {
    if (ascii_space(c)) return std::nullopt;
  }
  if (name.empty()) return std::nullopt;
  return std::pair{name, trim(text.substr(equals + 1))};
}

}  // namespace

std::string Setting::where() const {
  return line > 0 ? fmt::format("{}, line {}", file, line) : file;
}

const Setting* MainCf::find(std::string_view name) const {
  auto at = index_.find(name);
  return at == index_.end() ? nullptr : &settings[at->second];
}

void MainCf::set(Setting setting) {
  auto [at, added] = index_.try_emplace(setting.name, settings.size());
  if (added) {
    settings.push_back(std::move(setting));
  } else {
    settings[at->second] = std::move(setting);
  }
}

Result<MainCf> MainCf::parse(std::string_view text, std::string file) {
  MainCf result;
  result.file = std::move(file);
  for (LogicalLine& line : logical_lines(text)) {
    if (ascii_space(line.text.front())) {
      result.warnings.push_back(fmt::format("{}, line {}: logical line must not start with whitespace: \"{}\"",
                                            result.file, line.number, line.text));
      continue;
    }
    auto parts = split_setting(line.text);
    if (!parts) {
      return permanent(
          fmt::format("{}, line {}: missing '=' after attribute name: \"{}\"; write name = value, or "
                      "start the line with a blank to continue the one before it",
                      result.file, line.number, line.text));
    }
    Setting setting{std::string(parts->first), std::string(parts->second), result.file, line.number};
    if (const Setting* earlier = result.find(setting.name)) {
      result.warnings.push_back(fmt::format("{}, line {}: overriding earlier entry: {}={}", result.file, line.number,
                                            earlier->name, earlier->value));
    }
    result.set(std::move(setting));
  }
  return result;
}

Result<Setting> parse_assignment(std::string_view text) {
  auto parts = split_setting(text);
  if (!parts) return permanent(fmt::format("\"{}\": missing '=' after attribute name; write name=value", text));
  return Setting{std::string(parts->first), std::string(parts->second), "-o option", 0};
}

Result<std::string> read_config_file(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return sys_error("open " + path);
  std::string text;
  char chunk[16384];
  for (;;) {
    ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("read " + path);
    if (n == 0) return text;
    text.append(chunk, static_cast<size_t>(n));
    if (text.size() > kLargestFile) return permanent(path + ": larger than 16 MB; is this a configuration file?");
  }
}

}  // namespace umaya::config
