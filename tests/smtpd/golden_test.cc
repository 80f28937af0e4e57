// Golden dialogs: tests/golden/smtpd/*.txt. "C: " lines are sent with CRLF ("C> " without), "S: " lines are what must
// come back; "#" lines are comments, and "#: name = value" ones are settings. UPDATE_GOLDEN=1 writes the replies anew.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/smtpd/session_bench.h"

using namespace umaya;
using namespace umaya::smtpd;

static std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The dialogue as the session speaks it now.
static std::string replay(const std::vector<std::string>& lines) {
  static const std::regex queue_id("queued as [0-9A-F]+");
  std::vector<std::string> settings;
  for (const std::string& line : lines) {
    if (line.starts_with("#: ")) settings.push_back(line.substr(3));
  }
  Bench bench(settings);
  bench.resolver.a("client.example.org", "198.51.100.7");
  std::string out;
  bool connected = false;
  auto replies = [&] {
    std::string text = std::regex_replace(bench.take(), queue_id, "queued as ID");
    for (size_t end; (end = text.find("\r\n")) != std::string::npos; text.erase(0, end + 2)) {
      out += "S: " + text.substr(0, end) + "\n";
    }
    REQUIRE(text.empty());
  };
  for (const std::string& line : lines) {
    if (line.starts_with("S: ")) continue;
    if (line.starts_with("C") && bench.ended && !std::exchange(connected, true)) {
      bench.connect();
      replies();
    }
    out += line + "\n";
    if (line.starts_with("C: ")) bench.send(line.substr(3) + "\r\n");
    if (line.starts_with("C> ")) bench.send(line.substr(3));
    replies();
  }
  return out;
}

TEST_CASE("smtpd golden dialogs: every reply is what the file says", "[smtpd][golden]") {
  size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(UMAYA_SOURCE_DIR "/tests/golden/smtpd")) {
    INFO(entry.path());
    auto lines = lines_of(entry.path());
    std::string now = replay(lines);
    if (getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(entry.path()) << now;
    std::string wanted;
    for (const std::string& line : lines_of(entry.path())) wanted += line + "\n";
    CHECK(now == wanted);
    ++seen;
  }
  CHECK(seen >= 6);
}
