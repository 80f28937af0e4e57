// NAME    auth_wire - lines of Dovecot's authentication protocol
//
// SYNOPSIS
//     AuthLine line = AuthLine::parse("AUTH\t1\tPLAIN\tservice=pop3\tresp=…");
//     line.verb();  line.field(0);  line.value("service");
//     AuthLine("OK").add("1").add("user", "alice").text();       // with LF
//
// DESCRIPTION
//     A line is fields separated by TAB and ended by LF; \001 with 0, 1, t, r, l stands for NUL, \001, TAB, CR and LF.
//     Fields behind the positional ones are name=value, or a name alone. `resp=` takes the rest of its field, `=`
//     included.
//
// LIMITS  16384 octets a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace umaya::auth {

inline constexpr size_t kMostAuthLine = 16384;

class AuthLine {
 public:
  explicit AuthLine(std::string verb) { fields_.push_back(std::move(verb)); }
  /// Without the line end. An empty line has an empty verb.
  static AuthLine parse(std::string_view line);

  const std::string& verb() const { return fields_[0]; }
  /// Positional field i behind the verb; empty when there is none.
  std::string_view field(size_t i) const {
    return i + 1 < fields_.size() ? std::string_view(fields_[i + 1]) : std::string_view();
  }
  size_t fields() const { return fields_.size() - 1; }
  /// The value of name=…, an empty one for the name alone; nothing when it is not there. Fields before number `from`
  /// are not looked at: what a stranger chose may stand there, and look like a name with a value.
  std::optional<std::string_view> value(std::string_view name, size_t from = 0) const;
  bool has(std::string_view name) const { return value(name).has_value(); }

  AuthLine& add(std::string_view field) {
    fields_.emplace_back(field);
    return *this;
  }
  AuthLine& add(std::string_view name, std::string_view value) {
    fields_.push_back(std::string(name) + "=" + std::string(value));
    return *this;
  }
  /// For the wire, escaped, with LF.
  std::string text() const;
  /// Overwrites the fields: they held a password.
  void wipe();

 private:
  std::vector<std::string> fields_;
};

}  // namespace umaya::auth
