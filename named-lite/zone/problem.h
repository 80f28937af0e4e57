// NAME    problem - what is wrong in a zone or configuration file, where, and the cure
//
// SYNOPSIS
//     problems.error({file, line, column}, "MX without a preference", "www IN MX 10 mail");
//     for (auto& p : problems.all()) puts(p.text().c_str());
//         // example.zone:12:8: error: MX without a preference; write: www IN MX 10 mail
//
// LIMITS
//     At most kMost problems are kept, of each at most kMostText octets; the rest are counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace umaya::named {

enum class Severity : unsigned char { warning, error };

struct Place {
  std::string file;
  uint32_t line = 0;    ///< from 1; 0 = the file as a whole
  uint32_t column = 0;  ///< from 1; 0 = the line as a whole
};

struct Problem {
  Severity severity = Severity::error;
  Place place;
  std::string what;
  std::string cure;  ///< the line to write instead, or empty when `what` says what to do

  /// One line for a person.
  std::string text() const;
  /// The same without the word for its severity, which a log adds itself.
  std::string message() const;
};

class Problems {
 public:
  static constexpr size_t kMost = 1000;
  static constexpr size_t kMostText = 1000;

  void error(Place place, std::string what, std::string cure = {}) {
    ++errors_;
    add({Severity::error, std::move(place), std::move(what), std::move(cure)});
  }
  void warning(Place place, std::string what, std::string cure = {}) {
    add({Severity::warning, std::move(place), std::move(what), std::move(cure)});
  }
  bool has_errors() const { return errors_ > 0; }
  size_t errors() const { return errors_; }
  /// In the order in which they were found.
  const std::vector<Problem>& all() const { return all_; }
  /// How many were not kept.
  size_t dropped() const { return dropped_; }
  /// By file (in the order of first appearance), line and column.
  void sort();

 private:
  void add(Problem problem);
  std::vector<Problem> all_;
  size_t errors_ = 0;
  size_t dropped_ = 0;
};

}  // namespace umaya::named
