#include "named-lite/config/print.h"

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::named {

namespace {

constexpr std::string_view kMask = "????????????????";
constexpr std::string_view kBlank = "AAAAAAAAAAAAAAAAAAAAAA==";

class Printer {
 public:
  explicit Printer(Secrets secrets) : secrets_(secrets) {}
  void statements(const std::vector<Statement>& all, bool in_key);
  std::string take() { return std::move(out_); }

 private:
  void statement(const Statement& statement, bool in_key);
  void word(const Part& part);
  void quoted(std::string_view text);
  /// What is written instead of a secret; empty: the secret.
  std::string_view instead(const Statement& statement, bool in_key) const;

  Secrets secrets_;
  std::string out_;
  size_t depth_ = 0;
};

void Printer::quoted(std::string_view text) {
  out_ += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out_ += '\\';
    out_ += c;
  }
  out_ += '"';
}

void Printer::word(const Part& part) {
  if (part.kind == Part::Kind::quoted) {
    quoted(part.text);
  } else {
    out_ += part.text;
  }
}

std::string_view Printer::instead(const Statement& statement, bool in_key) const {
  bool of_key = in_key && iequals(statement.name(), "secret");
  bool of_cookies = iequals(statement.name(), "cookie-secret");
  if (secrets_ == Secrets::masked && (of_key || of_cookies)) return kMask;
  return secrets_ == Secrets::blank && of_key ? kBlank : std::string_view();
}

void Printer::statement(const Statement& statement, bool in_key) {
  out_.append(depth_, '\t');
  std::string_view hidden = instead(statement, in_key);
  bool is_key = iequals(statement.name(), "key");
  for (size_t i = 0; i < statement.parts.size(); ++i) {
    const Part& part = statement.parts[i];
    if (i > 0) out_ += ' ';
    if (part.is_block()) {
      out_ += part.block.empty() ? "{ " : "{\n";
      ++depth_;
      statements(part.block, is_key);
      --depth_;
      if (!part.block.empty()) out_.append(depth_, '\t');
      out_ += '}';
    } else if (i > 0 && !hidden.empty()) {
      quoted(hidden);
    } else {
      word(part);
    }
  }
  out_ += ";\n";
}

void Printer::statements(const std::vector<Statement>& all, bool in_key) {
  for (const Statement& each : all) statement(each, in_key);
}

bool same_part(const Part& left, const Part& right) {
  return left.kind == right.kind && left.text == right.text && same_statements(left.block, right.block);
}

}  // namespace

std::string print_conf(const std::vector<Statement>& top, Secrets secrets) {
  Printer printer(secrets);
  printer.statements(top, false);
  return printer.take();
}

bool same_statements(const std::vector<Statement>& left, const std::vector<Statement>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](const Statement& a, const Statement& b) {
    return std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), same_part);
  });
}

}  // namespace umaya::named
