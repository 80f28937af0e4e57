#include "libcommon/services/queue_envelope.h"

#include <array>

namespace umaya::services {
namespace {

struct Row {
  std::string_view name;
  std::string queue::Envelope::*field;
};

/// Attribute names of the services and where the queue file keeps them.
constexpr std::array kRows = {Row{"client_name", &queue::Envelope::client_name},
                              Row{"client_address", &queue::Envelope::client_address},
                              Row{"client_port", &queue::Envelope::client_port},
                              Row{"helo_name", &queue::Envelope::client_helo},
                              Row{"protocol_name", &queue::Envelope::client_protocol},
                              Row{"sasl_method", &queue::Envelope::sasl_method},
                              Row{"sasl_username", &queue::Envelope::sasl_username},
                              Row{"sasl_sender", &queue::Envelope::sasl_sender},
                              Row{"rewrite_context", &queue::Envelope::rewrite_context},
                              Row{"verp_delimiters", &queue::Envelope::verp_delimiters}};

const Row* find(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace

queue::Envelope to_file(const Envelope& envelope) {
  queue::Envelope stored;
  stored.sender = envelope.sender;
  stored.arrival_usec = envelope.arrival_usec;
  stored.dsn_envid = envelope.envid;
  stored.dsn_ret = envelope.ret;
  if (envelope.body == BodyType::seven_bit) stored.encoding = "7bit";
  if (envelope.body == BodyType::eight_bit) stored.encoding = "8bit";
  if (envelope.smtputf8) stored.flags |= queue::flag::kSmtpUtf8;
  for (const Attribute& attribute : envelope.attributes) {
    if (const Row* row = find(attribute.name)) {
      stored.*row->field = attribute.value;
    } else if (!attribute.value.empty()) {
      stored.extra[attribute.name] = attribute.value;
    }
  }
  return stored;
}

Envelope from_file(std::string queue_id, const queue::Envelope& stored) {
  Envelope envelope;
  envelope.queue_id = std::move(queue_id);
  envelope.sender = stored.sender;
  envelope.arrival_usec = stored.arrival_usec;
  envelope.envid = stored.dsn_envid;
  envelope.ret = stored.dsn_ret;
  if (stored.encoding == "7bit") envelope.body = BodyType::seven_bit;
  if (stored.encoding == "8bit") envelope.body = BodyType::eight_bit;
  envelope.smtputf8 = stored.has(queue::flag::kSmtpUtf8);
  envelope.attributes.reserve(kRows.size() + stored.extra.size());
  for (const Row& row : kRows) {
    if (!(stored.*row.field).empty()) envelope.attributes.push_back({std::string(row.name), stored.*row.field});
  }
  for (const auto& [name, value] : stored.extra) envelope.attributes.push_back({name, value});
  return envelope;
}

}  // namespace umaya::services
