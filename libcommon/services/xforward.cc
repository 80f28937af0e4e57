#include "libcommon/services/xforward.h"

#include <algorithm>

#include "libcommon/smtp/dsn.h"

namespace umaya::services {

namespace {

struct Row {
  std::string_view name;
  std::string_view attribute;
};

constexpr Row kRows[] = {
    {"NAME", "client_name"}, {"ADDR", "client_address"}, {"PORT", "client_port"},       {"PROTO", "protocol_name"},
    {"HELO", "helo_name"},   {"IDENT", "log_ident"},     {"SOURCE", "rewrite_context"},
};

constexpr size_t kMaxValue = 255;

std::string value_of(const Row& row, const Envelope& envelope) {
  std::string_view value = envelope.attribute(row.attribute);
  if (row.name == "SOURCE") return value == "local" ? "LOCAL" : "REMOTE";
  if (row.name == "IDENT" && value.empty()) value = envelope.queue_id;
  if (value.empty() || value == "unknown" || value.size() > kMaxValue) return "[UNAVAILABLE]";
  return smtp::xtext_encode(value);
}

}  // namespace

std::string xforward_command(const Envelope& envelope, const std::vector<std::string>& taken) {
  std::string line = "XFORWARD";
  for (const Row& row : kRows) {
    if (std::ranges::find(taken, row.name) == taken.end()) continue;
    line.append(" ").append(row.name).append("=").append(value_of(row, envelope));
  }
  return line + "\r\n";
}

}  // namespace umaya::services
