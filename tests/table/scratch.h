// A directory that goes with the test; log lines are collected.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/log/log.h"

namespace umaya::testing {

class Scratch {
 public:
  Scratch() {
    char name[] = "/tmp/umaya-test-XXXXXX";
    dir_ = mkdtemp(name);
    log::capture([this](log::Level, std::string_view line) { logged.emplace_back(line); });
  }
  ~Scratch() {
    log::capture(nullptr);
    std::filesystem::remove_all(dir_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file(const std::string& name, std::string_view text) {
    std::ofstream(path(name), std::ios::trunc) << text;
    return path(name);
  }
  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  std::vector<std::string> logged;

 private:
  std::string dir_;
};

}  // namespace umaya::testing
