#include "named-lite/update/journal_entry.h"

#include "libcommon/base/bytes.h"
#include "libcommon/queue/checksum.h"
#include "named-lite/dns/name.h"
#include "named-lite/dns/types.h"

namespace umaya::named {

namespace {

constexpr uint32_t kStateMark = 0x314A4E55;  // "UNJ1"
constexpr uint32_t kStepMark = 0x31534E55;   // "UNS1"
constexpr size_t kStepHead = 12;             // mark, serials
constexpr size_t kLeastRecord = 1 + 2 + 4 + 2;

std::unexpected<Error> damaged(std::string_view what) {
  return permanent("the journal is damaged: " + std::string(what));
}

void put_records(ByteWriter& out, const std::vector<ZoneRecord>& records) {
  out.u32(static_cast<uint32_t>(records.size()));
  for (const ZoneRecord& record : records) {
    out.u8(static_cast<uint8_t>(record.owner.size())).bytes(record.owner).u16(record.type).u32(record.ttl);
    out.u16(static_cast<uint16_t>(record.rdata.size())).bytes(record.rdata);
  }
}

/// A name in wire form, whole and without pointers.
bool is_name(std::string_view wire) {
  size_t at = 0;
  while (at < wire.size()) {
    auto length = static_cast<unsigned char>(wire[at]);
    if (length > kMaxLabel) return false;
    at += 1 + size_t{length};
    if (length == 0) return at == wire.size();
  }
  return false;
}

bool get_records(ByteReader& in, std::vector<ZoneRecord>& records) {
  uint32_t count = in.u32();
  if (!in.ok() || count > in.remaining() / kLeastRecord) return false;
  records.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    ZoneRecord record;
    record.owner = in.bytes(in.u8());
    record.type = in.u16();
    record.ttl = in.u32();
    record.rdata = in.bytes(in.u16());
    if (!in.ok() || !is_name(record.owner)) return false;
    if (record.type == type::kSoa && record.rdata.size() < 22) return false;
    records.push_back(std::move(record));
  }
  return true;
}

}  // namespace

std::string encode_state(const JournalState& state) {
  std::string out;
  ByteWriter writer(out);
  writer.u32(kStateMark).u64(state.first_step).u64(state.next_step).u64(state.file_step);
  writer.u32(state.first_serial).u32(state.last_serial).u32(state.file_serial).u64(state.octets);
  writer.u32(queue::crc32c(out));
  return out;
}

Result<JournalState> decode_state(std::string_view octets) {
  ByteReader in(octets);
  JournalState state;
  uint32_t mark = in.u32();
  state.first_step = in.u64();
  state.next_step = in.u64();
  state.file_step = in.u64();
  state.first_serial = in.u32();
  state.last_serial = in.u32();
  state.file_serial = in.u32();
  state.octets = in.u64();
  size_t covered = in.position();
  uint32_t sum = in.u32();
  if (!in.at_end() || mark != kStateMark || sum != queue::crc32c(octets.substr(0, covered))) {
    return damaged("where it stands is not readable");
  }
  if (state.first_step > state.file_step || state.file_step > state.next_step) return damaged("its steps are mixed up");
  return state;
}

std::string encode_step(const ZoneChange& change) {
  std::string out;
  ByteWriter writer(out);
  writer.u32(kStepMark).u32(change.from_serial).u32(change.to_serial);
  put_records(writer, change.removed);
  put_records(writer, change.added);
  writer.u32(queue::crc32c(out));
  return out;
}

Result<StepSerials> decode_serials(std::string_view octets) {
  ByteReader in(octets);
  uint32_t mark = in.u32();
  StepSerials serials;
  serials.from = in.u32();
  serials.to = in.u32();
  if (!in.ok() || mark != kStepMark) return damaged("a step is not readable");
  return serials;
}

Result<ZoneChange> decode_step(std::string_view octets) {
  UMAYA_TRY(StepSerials serials, decode_serials(octets));
  if (octets.size() < kStepHead + 4) return damaged("a step is too short");
  std::string_view covered = octets.substr(0, octets.size() - 4);
  ByteReader sum(octets.substr(covered.size()));
  if (sum.u32() != queue::crc32c(covered)) return damaged("the checksum of a step is wrong");
  ZoneChange change;
  change.from_serial = serials.from;
  change.to_serial = serials.to;
  ByteReader in(covered.substr(kStepHead));
  if (!get_records(in, change.removed) || !get_records(in, change.added) || !in.at_end()) {
    return damaged("the records of a step are not readable");
  }
  return change;
}

}  // namespace umaya::named
