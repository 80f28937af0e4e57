#include "libcommon/dns/message.h"

#include <algorithm>

#include "libcommon/base/bytes.h"
#include "libcommon/base/strings.h"
#include "libcommon/dns/name.h"

namespace umaya::dns {

namespace {

constexpr uint16_t kClassIn = 1;
constexpr uint32_t kMaxTtl = 7 * 24 * 3600;
constexpr uint32_t kMaxNegativeTtl = 3600;
constexpr size_t kHeaderSize = 12;

// Where a record's data lie in the message.
struct RecordHead {
  Type type;
  uint16_t klass;
  uint32_t ttl;
  size_t data_begin;
  size_t data_size;
};

uint16_t be16_at(std::string_view wire, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(wire[at]) << 8 | static_cast<unsigned char>(wire[at + 1]));
}

// A name that must fill the record's data to the end.
std::optional<std::string> name_to_end(std::string_view wire, size_t begin, size_t end) {
  size_t position = begin;
  if (begin >= end) return std::nullopt;
  auto name = read_name(wire.substr(0, end), position);
  return name && position == end ? name : std::nullopt;
}

std::optional<std::string> joined_strings(std::string_view data) {
  std::string out;
  while (!data.empty()) {
    size_t length = static_cast<unsigned char>(data[0]);
    if (length + 1 > data.size()) return std::nullopt;
    out.append(data.substr(1, length));
    data.remove_prefix(length + 1);
  }
  return out;
}

bool read_soa(std::string_view wire, size_t begin, size_t end, Record& record) {
  size_t position = begin;
  std::string_view bounded = wire.substr(0, end);
  auto primary = read_name(bounded, position);
  if (!primary || !read_name(bounded, position) || end - position != 20) return false;
  ByteReader numbers(bounded.substr(position + 16));
  record.target = std::move(*primary);
  record.minimum = numbers.be32();
  return true;
}

bool read_mx(std::string_view wire, size_t begin, size_t end, Record& record) {
  if (end - begin < 3) return false;
  record.preference = be16_at(wire, begin);
  auto target = name_to_end(wire, begin + 2, end);
  if (target) record.target = std::move(*target);
  return target.has_value();
}

// Fills in the data of a record; false when they do not fit the type.
bool read_data(std::string_view wire, const RecordHead& head, Record& record) {
  const size_t end = head.data_begin + head.data_size;
  std::string_view data = wire.substr(head.data_begin, head.data_size);
  auto bytes = reinterpret_cast<const uint8_t*>(data.data());
  switch (head.type) {
    case Type::a:
      if (data.size() != 4) return false;
      record.address = net::IpAddress::v4(bytes);
      return true;
    case Type::aaaa:
      if (data.size() != 16) return false;
      record.address = net::IpAddress::v6(bytes);
      return true;
    case Type::mx:
      return read_mx(wire, head.data_begin, end, record);
    case Type::cname:
    case Type::ptr:
    case Type::ns: {
      auto target = name_to_end(wire, head.data_begin, end);
      if (target) record.target = std::move(*target);
      return target.has_value();
    }
    case Type::soa:
      return read_soa(wire, head.data_begin, end, record);
    case Type::txt: {
      auto text = joined_strings(data);
      if (text) record.data = std::move(*text);
      return text.has_value();
    }
    case Type::tlsa:
      record.data = data;
      return data.size() > 3;
    default:
      record.data = data;
      return true;
  }
}

std::optional<RecordHead> read_record_head(std::string_view wire, size_t position) {
  ByteReader fixed(wire.substr(position));
  RecordHead head{};
  head.type = static_cast<Type>(fixed.be16());
  head.klass = fixed.be16();
  head.ttl = fixed.be32();
  head.data_size = fixed.be16();
  head.data_begin = position + 10;
  if (!fixed.ok() || head.data_size > fixed.remaining()) return std::nullopt;
  if (head.ttl > kMaxTtl) head.ttl = head.ttl & 0x80000000u ? 0 : kMaxTtl;  // RFC 2181 8
  return head;
}

// Reads `count` records of one section; only those for which keep() holds are stored.
template <class Keep>
bool read_section(std::string_view wire, size_t& position, unsigned count, Message& message, std::vector<Record>& out,
                  Keep keep) {
  for (unsigned i = 0; i < count; ++i) {
    auto name = read_name(wire, position);
    auto head = name ? read_record_head(wire, position) : std::nullopt;
    if (!head) return message.truncated;
    position = head->data_begin + head->data_size;
    if (head->klass != kClassIn || !keep(head->type)) continue;
    if (out.size() >= kMaxRecords + kMaxAliases) {
      ++message.dropped;
      continue;
    }
    Record record{.name = std::move(*name), .type = head->type, .ttl = head->ttl};
    if (read_data(wire, *head, record)) {
      out.push_back(std::move(record));
    } else {
      ++message.malformed;
    }
  }
  return true;
}

Status negative_status(const Message& message) {
  switch (message.rcode) {
    case Rcode::ok:
      return message.malformed > 0 ? Status::malformed : Status::no_data;
    case Rcode::no_name:
      return Status::no_name;
    case Rcode::refused:
      return Status::refused;
    default:
      return Status::fail;
  }
}

// A referral (RFC 1034 4.3.2 3b) from a server that is not responsible and does not resolve for us says nothing about
// the name.
bool is_referral(const Message& message) {
  return message.rcode == Rcode::ok && !message.authoritative && !message.authority.empty() &&
         std::ranges::all_of(message.authority, [](const Record& r) { return r.type == Type::ns; });
}

// RFC 2308 5: the smaller of the SOA's TTL and its minimum; without SOA the answer is not remembered.
uint32_t negative_ttl(const Message& message) {
  for (const Record& r : message.authority) {
    if (r.type == Type::soa) return std::min({r.ttl, r.minimum, kMaxNegativeTtl});
  }
  return 0;
}

// The record of an alias for the name, if the message has one.
const Record* alias_of(const Message& message, const std::string& name) {
  for (const Record& r : message.answers) {
    if (r.type == Type::cname && iequals(r.name, name)) return &r;
  }
  return nullptr;
}

}  // namespace

std::string type_name(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::ns:
      return "NS";
    case Type::cname:
      return "CNAME";
    case Type::soa:
      return "SOA";
    case Type::ptr:
      return "PTR";
    case Type::mx:
      return "MX";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
    case Type::opt:
      return "OPT";
    case Type::tlsa:
      return "TLSA";
    default:
      return "TYPE" + std::to_string(static_cast<unsigned>(type));
  }
}

bool is_definite(Status status) {
  return status == Status::found || status == Status::no_data || status == Status::no_name || status == Status::invalid;
}

std::string_view status_text(Status status) {
  switch (status) {
    case Status::found:
      return "Found";
    case Status::no_data:
      return "Host found but no data record of requested type";
    case Status::no_name:
      return "Host not found";
    case Status::fail:
    case Status::refused:
    case Status::timed_out:
      return "Host not found, try again";
    case Status::malformed:
      return "Malformed or unexpected name server reply";
    case Status::invalid:
      return "Invalid host or domain name";
  }
  return "Unknown error";
}

std::optional<std::string> build_query(const Query& query) {
  std::string wire;
  ByteWriter w(wire);
  w.be16(query.id).be16(query.recursion ? 0x0100 : 0);
  w.be16(1).be16(0).be16(0).be16(query.edns ? 1 : 0);
  if (!append_name(wire, query.name)) return std::nullopt;
  w.be16(static_cast<uint16_t>(query.type)).be16(kClassIn);
  if (query.edns) {  // RFC 6891 6.1.2: root, OPT, size, extended code and flags, no options
    w.u8(0).be16(static_cast<uint16_t>(Type::opt)).be16(kEdnsSize).be32(query.dnssec ? 0x8000 : 0).be16(0);
  }
  return wire;
}

bool Message::answers_query(const Query& query) const {
  return is_response && id == query.id && questions == 1 && question_type == query.type && question_class == kClassIn &&
         iequals(question, canonical_name(query.name));
}

std::optional<Message> parse_message(std::string_view wire) {
  if (wire.size() < kHeaderSize) return std::nullopt;
  Message m;
  ByteReader header(wire);
  m.id = header.be16();
  const uint16_t flags = header.be16();
  m.is_response = flags & 0x8000;
  m.authoritative = flags & 0x0400;
  m.truncated = flags & 0x0200;
  m.recursion_available = flags & 0x0080;
  m.authenticated = flags & 0x0020;
  m.rcode = static_cast<Rcode>(flags & 0x000f);
  m.questions = header.be16();
  const unsigned answers = header.be16();
  const unsigned authority = header.be16();
  size_t position = kHeaderSize;
  if (m.questions > 1) return std::nullopt;
  if (m.questions == 1) {
    auto name = read_name(wire, position);
    if (!name || wire.size() - position < 4) return std::nullopt;
    m.question = std::move(*name);
    m.question_type = static_cast<Type>(be16_at(wire, position));
    m.question_class = be16_at(wire, position + 2);
    position += 4;
  }
  auto wanted = [&m](Type t) { return t == m.question_type || t == Type::cname; };
  auto negative = [](Type t) { return t == Type::soa || t == Type::ns; };
  if (!read_section(wire, position, answers, m, m.answers, wanted)) return std::nullopt;
  const size_t malformed_answers = m.malformed;
  if (!read_section(wire, position, authority, m, m.authority, negative)) return std::nullopt;
  m.malformed = malformed_answers;
  return m;
}

std::string Answer::error_text() const {
  return "Host or domain name not found. Name service error for name=" + name + " type=" + type_name(type) + ": " +
         std::string(status_text(status));
}

Answer interpret(const Message& message, const Query& query) {
  Answer answer{.status = Status::malformed, .name = canonical_name(query.name), .type = query.type, .records = {}};
  answer.authenticated = message.authenticated;
  answer.ttl = kMaxTtl;
  if (message.rcode != Rcode::ok && message.rcode != Rcode::no_name) {
    answer.status = negative_status(message);
    answer.ttl = 0;
    return answer;
  }
  for (int hops = 0; query.type != Type::cname; ++hops) {
    const Record* alias = alias_of(message, answer.name);
    if (alias == nullptr) break;
    if (hops >= kMaxAliases) {
      answer.ttl = 0;
      return answer;
    }
    answer.is_alias = true;
    answer.ttl = std::min(answer.ttl, alias->ttl);
    answer.name = canonical_name(alias->target);
  }
  for (const Record& r : message.answers) {
    if (r.type != query.type || !iequals(r.name, answer.name) || answer.records.size() >= kMaxRecords) continue;
    answer.ttl = std::min(answer.ttl, r.ttl);
    answer.records.push_back(r);
  }
  if (!answer.records.empty()) {
    answer.status = Status::found;
    return answer;
  }
  answer.status = is_referral(message) ? Status::fail : negative_status(message);
  // An alias that leads out of what this server told: its end must be asked for (RFC 1034 5.3.3 step 4c).
  bool has_soa = std::ranges::any_of(message.authority, [](const Record& r) { return r.type == Type::soa; });
  if (answer.is_alias && answer.status == Status::no_data && !has_soa) answer.alias = answer.name;
  answer.ttl = std::min(answer.ttl, negative_ttl(message));
  return answer;
}

}  // namespace umaya::dns
