#include "libcommon/mailbox/maildir/maildir_sync.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "libcommon/base/checksum.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/random.h"
#include "libcommon/base/strings.h"
#include "libcommon/mailbox/digest.h"
#include "libcommon/mailbox/maildir/courier_lists.h"
#include "libcommon/mailbox/maildir/file_name.h"
#include "libcommon/mailbox/maildir/maildir_scan.h"
#include "libcommon/mailbox/maildir/name_table.h"
#include "libcommon/mailbox/maildir/uidlist_file.h"

namespace umaya::mailbox {

namespace {

using namespace std::chrono_literals;

constexpr Duration kLockLimit = 2s;
constexpr size_t kMostCourierText = size_t{512} << 20;
constexpr uint32_t kFewDeadLines = 200;

class Sync {
 public:
  Sync(MaildirFolder& folder, const IdPolicy& policy, MailIndex known)
      : folder_(folder), policy_(policy), known_(std::move(known)), list_(folder) {}
  Result<MailIndex> run();

 private:
  struct Mail : ScannedMail {
    bool is_new = false;    ///< numbered by this run
    bool write_id = false;  ///< its line in the list gets this id as key P
  };

  bool same_list() const { return list_identity_ == known_.header.uidlist && known_.header.uid_validity != 0; }
  bool unnumbered() const;
  Result<void> take_numbers();
  void take_known_numbers();
  void take_list_numbers(const Uidlist& list);
  void take_line(Mail& mail, const UidLine& line);
  Result<void> take_courier();
  void settle_validity(const Uidlist& list);
  Result<void> renew();
  void number_new();
  void renumber_all();
  void give_ids();
  void give_id(Mail& mail);
  void part_equal_ids();
  bool dovecot_numbers() const;
  std::string_view keep(std::string text);
  bool must_write() const;
  Result<void> store_list();
  std::string lines_of_new();
  std::string whole_list();
  std::string keys_of(const Mail& mail, const UidLine* line) const;
  void leave_out_unnumbered();
  MailIndex make_index();

  MaildirFolder& folder_;
  const IdPolicy& policy_;
  MailIndex known_;
  UidlistFile list_;
  FileIdentity list_identity_;
  bool list_was_read_ = false;
  ScanResult scan_;
  std::vector<Mail> mails_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::unordered_map<std::string, std::string> courier_ids_;  // base -> id
  uint32_t validity_ = 0, next_uid_ = 1, lines_ = 0;
  bool foreign_lines_ = false;
  bool rewrite_ = false;  // the list is damaged, of another version, or lacks ids
};

std::string_view Sync::keep(std::string text) {
  texts_.push_back(std::make_unique<std::string>(std::move(text)));
  return *texts_.back();
}

bool Sync::unnumbered() const {
  return std::any_of(mails_.begin(), mails_.end(), [](const Mail& mail) { return mail.record.uid == 0; });
}

/// Nothing has touched the list since the index was written.
void Sync::take_known_numbers() {
  validity_ = known_.header.uid_validity;
  next_uid_ = known_.header.next_uid;
  lines_ = known_.header.list_lines;
  foreign_lines_ = (known_.header.state & kForeignLines) != 0;
}

void Sync::settle_validity(const Uidlist& list) {
  validity_ = list.uid_validity;
  next_uid_ = list.next_uid;
  const IndexHeader& header = known_.header;
  if (validity_ == 0) validity_ = header.uid_validity;
  if (validity_ == 0) validity_ = static_cast<uint32_t>(std::min<int64_t>(wall_seconds(), kMostUid));
  if (validity_ == header.uid_validity) next_uid_ = std::max(next_uid_, header.next_uid);
}

void Sync::take_line(Mail& mail, const UidLine& line) {
  mail.record.uid = line.uid;
  if (auto order = uidlist_value(line, 'O')) {
    mail.record.order = static_cast<uint32_t>(std::min<uint64_t>(parse_uint(*order).value_or(0), UINT32_MAX));
  }
  auto size = uidlist_value(line, 'W');
  if (size && mail.record.wire_size == kUnknownSize) {
    auto octets = parse_uint(*size);
    if (octets && *octets <= uint64_t{1} << 50) mail.record.wire_size = *octets;
  }
  auto id = uidlist_value(line, 'P');
  if (!id) {
    // An id that we once fixed and that the list has lost goes back into it.
    mail.write_id = (mail.record.flags & kFixedId) != 0;
    foreign_lines_ = foreign_lines_ || !mail.write_id;
    rewrite_ = rewrite_ || mail.write_id;
    if (!mail.write_id) mail.unique_id = {};
    return;
  }
  mail.record.flags |= kFixedId;
  mail.unique_id = id->empty() ? line.base : *id;
  if (!is_unique_id(mail.unique_id)) mail.unique_id = keep(short_digest(line.base));
}

void Sync::take_list_numbers(const Uidlist& list) {
  settle_validity(list);
  foreign_lines_ = false;
  lines_ = static_cast<uint32_t>(list.lines.size());
  rewrite_ = list.damaged || list.version != 3;
  bool restore = list.uid_validity == 0 || list.damaged;
  bool same_numbers = validity_ == known_.header.uid_validity;
  NameTable bases(list.lines.size());
  for (uint32_t i = 0; i < list.lines.size(); ++i) bases.insert(list.lines[i].base, i);
  std::vector<uint32_t> taken;
  for (const UidLine& line : list.lines) taken.push_back(line.uid);  // in rising order
  for (Mail& mail : mails_) {
    uint32_t i = bases.find(mail.base());
    if (i != NameTable::kNone) {
      take_line(mail, list.lines[i]);
      continue;
    }
    bool keeps = restore && same_numbers && mail.record.uid != 0 &&
                 !std::binary_search(taken.begin(), taken.end(), mail.record.uid);
    if (!keeps) mail.record.uid = 0;
    if (!keeps) continue;
    mail.write_id = (mail.record.flags & kFixedId) != 0;
    foreign_lines_ = foreign_lines_ || !mail.write_id;
  }
}

/// There is no dovecot-uidlist: Courier may have served this Maildir.
Result<void> Sync::take_courier() {
  if (known_.header.uid_validity != 0) return {};
  UMAYA_TRY(auto uids, folder_.read("courierimapuiddb", kMostCourierText));
  if (uids) {
    Uidlist list = parse_uidlist(*uids);
    if (list.uid_validity != 0) take_list_numbers(list);
    for (Mail& mail : mails_) {
      mail.unique_id = {};
      mail.is_new = mail.record.uid != 0;  // as far as POP3 goes
    }
    foreign_lines_ = false;
  }
  UMAYA_TRY(auto sizes, folder_.read("courierpop3dsizelist", kMostCourierText));
  if (!sizes) return {};
  for (CourierId& known : parse_courier_sizes(*sizes)) {
    courier_ids_[std::string(known.base)] = std::move(known.unique_id);
  }
  return {};
}

Result<void> Sync::take_numbers() {
  if (!list_was_read_) {
    UMAYA_TRY(list_identity_, folder_.identity(kUidlistName));
    if (same_list()) {
      take_known_numbers();
      return {};
    }
  }
  UMAYA_CHECK(list_.read());
  list_was_read_ = true;
  list_identity_ = list_.identity();
  take_list_numbers(list_.list());
  if (!list_.exists()) UMAYA_CHECK(take_courier());
  return {};
}

void Sync::renumber_all() {
  validity_ = std::max(validity_ + 1, static_cast<uint32_t>(std::min<int64_t>(wall_seconds(), kMostUid)));
  if (validity_ == 0 || validity_ > kMostUid) validity_ = 1;
  next_uid_ = 1;
  rewrite_ = true;
  for (Mail& mail : mails_) {
    mail.record.uid = 0;
    mail.write_id = !mail.unique_id.empty();
    if (mail.write_id) mail.record.flags |= kFixedId;
  }
}

/// Gives uids to those that have none, in the order of their delivery.
void Sync::number_new() {
  size_t wanted = static_cast<size_t>(
      std::count_if(mails_.begin(), mails_.end(), [](const Mail& mail) { return mail.record.uid == 0; }));
  if (uint64_t{next_uid_} + wanted > kMostUid) renumber_all();
  std::vector<Mail*> fresh;
  for (Mail& mail : mails_) {
    if (mail.record.uid == 0) fresh.push_back(&mail);
  }
  std::sort(fresh.begin(), fresh.end(), [](const Mail* a, const Mail* b) {
    auto time_a = delivery_time(a->name);
    auto time_b = delivery_time(b->name);
    return std::tie(time_a, a->name) < std::tie(time_b, b->name);
  });
  for (Mail* mail : fresh) {
    mail->record.uid = next_uid_++;
    mail->is_new = true;
  }
}

/// Whether ids of new messages must be those that Dovecot gives.
bool Sync::dovecot_numbers() const {
  return foreign_lines_ || folder_.has("dovecot.index.log") || folder_.has("dovecot.index");
}

void Sync::give_id(Mail& mail) {
  bool fixed = (mail.record.flags & kFixedId) != 0;
  bool outdated = !fixed && policy_.mark != known_.header.format_mark;
  if (!mail.unique_id.empty() && (fixed || !(mail.is_new || outdated))) {
    mail.write_id = mail.write_id || (fixed && mail.is_new);
    return;
  }
  UniqueIdFormat::Message message{mail.record.uid, validity_, mail.name};
  auto courier = courier_ids_.find(std::string(mail.base()));
  bool own = mail.is_new && !dovecot_numbers();
  if (courier != courier_ids_.end()) {
    mail.unique_id = keep(courier->second);
  } else if (own) {
    mail.unique_id = keep(policy_.own.make(message));
  } else {
    mail.unique_id = keep(policy_.dovecot.make(message));
  }
  if (!own && courier == courier_ids_.end()) return;
  mail.record.flags |= kFixedId;
  mail.write_id = true;
}

/// The later of two messages with one id gets another, for good.
void Sync::part_equal_ids() {
  std::vector<uint32_t> order(mails_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  auto by_uid = [this](uint32_t a, uint32_t b) { return mails_[a].record.uid < mails_[b].record.uid; };
  if (!std::is_sorted(order.begin(), order.end(), by_uid)) std::sort(order.begin(), order.end(), by_uid);
  NameTable ids(mails_.size());
  for (uint32_t i : order) {
    Mail& mail = mails_[i];
    if (mail.unique_id.empty()) continue;  // not numbered yet
    while (ids.insert(mail.unique_id, i) != NameTable::kNone) {
      mail.unique_id = keep(short_digest(std::string(mail.unique_id) + "/" + std::string(mail.base())));
      mail.record.flags |= kFixedId;
      mail.write_id = true;
      rewrite_ = rewrite_ || !mail.is_new;
    }
  }
}

void Sync::give_ids() {
  // A message that has no number yet is new as far as its id goes.
  for (Mail& mail : mails_) {
    if (mail.record.uid != 0) give_id(mail);
  }
  part_equal_ids();
}

std::string Sync::keys_of(const Mail& mail, const UidLine* line) const {
  std::string keys(line ? line->keys : std::string_view());
  if (!mail.write_id) return keys;
  if (line && uidlist_value(*line, 'P')) {  // replaced by another id
    std::string others;
    for (std::string_view word : split(line->keys, " ")) {
      if (word[0] != 'P') others += std::string(word) + " ";
    }
    keys = others.substr(0, others.empty() ? 0 : others.size() - 1);
  }
  return keys + (keys.empty() ? "P" : " P") + std::string(mail.unique_id);
}

std::string Sync::lines_of_new() {
  std::vector<const Mail*> fresh;
  for (const Mail& mail : mails_) {
    if (mail.is_new) fresh.push_back(&mail);
  }
  std::sort(fresh.begin(), fresh.end(), [](auto* a, auto* b) { return a->record.uid < b->record.uid; });
  std::string text;
  for (const Mail* mail : fresh) {
    std::string keys = keys_of(*mail, nullptr);
    append_uidlist_line(text, {mail->record.uid, keys, mail->base()});
  }
  return text;
}

/// Lines of messages that were not seen stay when a change could have hidden them.
std::string Sync::whole_list() {
  Uidlist head = list_.list();
  head.uid_validity = validity_;
  head.next_uid = next_uid_;
  char random[16];
  random_bytes(random);
  std::string guid = to_lower(hex_encode({random, sizeof random}));
  if (head.guid.empty()) head.guid = guid;
  NameTable bases(mails_.size());
  for (uint32_t i = 0; i < mails_.size(); ++i) bases.insert(mails_[i].base(), i);
  std::vector<std::pair<uint32_t, std::string>> lines;
  std::vector<bool> has_line(mails_.size());
  for (const UidLine& line : list_.list().lines) {
    uint32_t i = bases.find(line.base);
    bool is_same = i != NameTable::kNone && mails_[i].record.uid == line.uid;
    if (!is_same && (scan_.state == 0 || i != NameTable::kNone)) continue;
    std::string text, keys = is_same ? keys_of(mails_[i], &line) : std::string(line.keys);
    append_uidlist_line(text, {line.uid, keys, line.base});
    lines.emplace_back(line.uid, std::move(text));
    if (is_same) has_line[i] = true;
  }
  for (uint32_t i = 0; i < mails_.size(); ++i) {
    if (has_line[i]) continue;
    std::string text, keys = keys_of(mails_[i], nullptr);
    append_uidlist_line(text, {mails_[i].record.uid, keys, mails_[i].base()});
    lines.emplace_back(mails_[i].record.uid, std::move(text));
  }
  std::sort(lines.begin(), lines.end());
  lines_ = static_cast<uint32_t>(lines.size());
  std::string text = uidlist_head(head);
  for (const auto& [uid, line] : lines) text += line;
  return text;
}

bool Sync::must_write() const {
  return rewrite_ || unnumbered() || (list_identity_.inode == 0 && !mails_.empty());
}

Result<void> Sync::store_list() {
  std::string fresh = lines_of_new();
  bool too_long = lines_ > 2 * mails_.size() + kFewDeadLines;
  bool append = !rewrite_ && !too_long && list_identity_.inode != 0 && fresh.size() <= UidlistFile::kMostAppended;
  if (!append && !list_was_read_) UMAYA_CHECK(list_.read());
  if (append) {
    lines_ += static_cast<uint32_t>(std::count(fresh.begin(), fresh.end(), '\n'));
    UMAYA_CHECK(list_.append(fresh));
  } else {
    UMAYA_CHECK(list_.replace(whole_list()));
  }
  list_identity_ = list_.identity();
  return {};
}

/// Numbers what is new, under the lock.
Result<void> Sync::renew() {
  UMAYA_TRY(bool locked, list_.lock(kLockLimit));
  if (!locked) return temporary("the list of uids is locked by another program");
  UMAYA_TRY(FileIdentity now, folder_.identity(kUidlistName));
  if (now != list_identity_) {  // somebody wrote it before we had the lock
    list_was_read_ = true;
    UMAYA_CHECK(take_numbers());
  }
  if (must_write()) number_new();
  give_ids();
  return store_list();
}

/// The list could not be written: what needs a number that is written down waits.
void Sync::leave_out_unnumbered() {
  bool own = !dovecot_numbers() && !policy_.own.needs_uid();
  for (Mail& mail : mails_) {
    if (mail.is_new) mail.record.uid = 0;
    bool has_id = (mail.record.flags & kFixedId) != 0 && !mail.unique_id.empty();
    if (mail.record.uid != 0 || has_id) continue;
    auto courier = courier_ids_.find(std::string(mail.base()));
    mail.unique_id = {};
    if (courier != courier_ids_.end()) {
      mail.unique_id = keep(courier->second);
    } else if (own) {
      mail.unique_id = keep(policy_.own.make({0, validity_, mail.name}));
    }
  }
  std::erase_if(mails_, [](const Mail& mail) { return mail.unique_id.empty(); });
}

MailIndex Sync::make_index() {
  auto place = [](const Mail& mail) {
    uint32_t order = mail.record.order == 0 ? UINT32_MAX : mail.record.order;
    return std::tuple(order, mail.record.uid == 0 ? UINT32_MAX : mail.record.uid);
  };
  auto before = [&](const Mail& a, const Mail& b) {
    auto place_a = place(a), place_b = place(b);
    if (place_a != place_b) return place_a < place_b;
    auto time_a = delivery_time(a.name), time_b = delivery_time(b.name);
    return std::tie(time_a, a.name) < std::tie(time_b, b.name);
  };
  if (!std::is_sorted(mails_.begin(), mails_.end(), before)) std::sort(mails_.begin(), mails_.end(), before);
  MailIndex index;
  index.header = known_.header;
  index.header.uid_validity = validity_;
  index.header.next_uid = next_uid_;
  index.header.format_mark = policy_.mark;
  index.header.list_lines = lines_;
  index.header.state = scan_.state;
  if (foreign_lines_) index.header.state |= kForeignLines;
  index.header.fresh = scan_.fresh;
  index.header.current = scan_.current;
  index.header.uidlist = list_identity_;
  index.records.reserve(mails_.size());
  for (const Mail& mail : mails_) {
    index.add(mail.record, mail.name, mail.unique_id);
  }
  index.count_sizes();
  return index;
}

Result<MailIndex> Sync::run() {
  UMAYA_TRY(scan_, scan_maildir(folder_, known_));
  mails_.reserve(scan_.mails.size());
  for (const ScannedMail& mail : scan_.mails) {
    mails_.push_back({mail});
    MailRecord& record = mails_.back().record;
    if (record.wire_size == kUnknownSize) record.wire_size = size_in_name(mail.name, 'W').value_or(kUnknownSize);
    if (record.file_size == kUnknownSize) record.file_size = size_in_name(mail.name, 'S').value_or(kUnknownSize);
    if (record.received == 0) record.received = static_cast<int64_t>(delivery_time(mail.name).first & INT64_MAX);
  }
  UMAYA_CHECK(take_numbers());
  give_ids();
  Result<void> stored;
  if (must_write()) {
    stored = renew();
    if (!stored) leave_out_unnumbered();
    part_equal_ids();
  }
  MailIndex index = make_index();
  // Without it the next log-in does the same again.
  if (stored && !index.same_as(known_)) (void)write_index(folder_, index);
  return index;
}

}  // namespace

Result<IdPolicy> IdPolicy::parse(std::string_view own, std::string_view dovecot) {
  UMAYA_TRY(auto own_format, UniqueIdFormat::parse(own, UniqueIdFormat::Name::id));
  UMAYA_TRY(auto dovecot_format, UniqueIdFormat::parse(dovecot, UniqueIdFormat::Name::base));
  return IdPolicy{std::move(own_format), std::move(dovecot_format), crc32c(dovecot)};
}

Result<bool> is_current(const MaildirFolder& folder, const std::optional<IndexHeader>& header, const IdPolicy& policy) {
  if (!header || header->format_mark != policy.mark || (header->state & (kNewUnsettled | kCurUnsettled)) != 0) {
    return false;
  }
  for (auto [name, known] : {std::pair{"new", &header->fresh}, std::pair{"cur", &header->current},
                             std::pair{kUidlistName, &header->uidlist}}) {
    UMAYA_TRY(FileIdentity now, folder.identity(name));
    if (now != *known) return false;
  }
  return true;
}

Result<MailIndex> sync_maildir(MaildirFolder& folder, const IndexFile& file, const IdPolicy& policy) {
  std::optional<MailIndex> known = file.load();
  return Sync(folder, policy, known ? std::move(*known) : MailIndex()).run();
}

}  // namespace umaya::mailbox
