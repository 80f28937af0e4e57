#include "named-lite/feed/receiver.h"

#include "libcommon/ipc/codec.h"

namespace umaya::named {

namespace {

constexpr size_t kMostFile = size_t{4} << 30;
constexpr size_t kMostConfig = size_t{128} << 20;

/// A whole name in wire form, in lower case.
bool is_lower_name(std::string_view name) {
  size_t at = 0;
  while (at < name.size()) {
    auto length = static_cast<unsigned char>(name[at]);
    if (length == 0) return at + 1 == name.size() && name.size() <= kMaxName;
    if (length > kMaxLabel) return false;
    at += 1 + size_t{length};
  }
  return false;
}

}  // namespace

/// FNV-1a: the text comes from a process that is trusted.
uint64_t config_mark_of(std::string_view config) {
  uint64_t mark = 14695981039346656037u;
  for (unsigned char c : config) mark = (mark ^ c) * 1099511628211u;
  return mark;
}

Result<void> FeedReceiver::begin(const FeedBegin& message, const std::vector<Fd>& fds) {
  if (open_) return permanent("a feed begins inside of another one");
  if (!message.whole && (!snapshot_ || message.seed != snapshot_->views[0]->catalog.seed())) {
    return permanent("a change of zones that are not here");
  }
  open_ = true;
  head_ = message;
  next_ = nullptr;
  changes_.clear();
  files_.clear();
  if (!message.whole) return {};
  if (fds.size() != 1) return permanent("a whole feed without configuration");
  UMAYA_TRY(MappingPtr mapping, Mapping::of(fds[0].get(), kMostConfig));
  UMAYA_TRY(ConfigFiles files, ipc::decode<ConfigFiles>(mapping->bytes()));
  Problems problems;
  NamedConf conf = parse_config_files(files, problems);
  if (problems.has_errors()) return permanent("the configuration has errors: " + problems.all()[0].what);
  next_mark_ = config_mark_of(mapping->bytes());
  next_ = std::make_shared<Snapshot>(make_snapshot(std::move(conf), message.seed));
  return {};
}

Result<void> FeedReceiver::file(const FeedFile& message, const std::vector<Fd>& fds) {
  if (!open_ || fds.size() != 1) return permanent("a file out of place");
  UMAYA_TRY(files_[message.id], Mapping::of_growing(fds[0].get(), kMostFile));
  if (files_[message.id]->bytes().size() != message.size) return permanent("a file of another size");
  return {};
}

Result<ImagePtr> FeedReceiver::image_of(const FeedZone& zone) const {
  if (zone.size == 0) return ImagePtr();
  MappingPtr mapping;
  if (auto fresh = files_.find(zone.file); fresh != files_.end()) {
    mapping = fresh->second;
  } else if (auto known = known_.find(zone.file); known != known_.end()) {
    mapping = known->second.lock();
  }
  if (!mapping) return permanent("a zone in a file that is not here");
  return image_in(mapping, zone.offset, zone.size);
}

Result<void> FeedReceiver::zones(FeedZones message) {
  if (!open_) return permanent("zones out of place");
  const Snapshot& snapshot = next_ ? *next_ : *snapshot_;
  for (FeedZone& zone : message.zones) {
    if (zone.view >= snapshot.views.size() || !is_lower_name(zone.name)) return permanent("a zone of no view");
    UMAYA_TRY(ImagePtr image, image_of(zone));
    if (!next_ && !snapshot.views[zone.view]->catalog.contains(zone.name)) return permanent("a change of no zone");
    changes_.push_back({zone.view, std::move(zone.name), std::move(image), zone.number});
  }
  return {};
}

Result<void> FeedReceiver::commit(const FeedCommit& message) {
  if (!open_ || message.number != head_.number || message.zones != changes_.size()) {
    return permanent("a commit of another feed");
  }
  Snapshot& snapshot = next_ ? *next_ : *snapshot_;
  for (Change& change : changes_) {
    Catalog& catalog = snapshot.views[change.view]->catalog;
    if (!next_) {
      catalog.replace(change.name, std::move(change.image));
    } else if (catalog.contains(change.name)) {
      return permanent("a zone is there twice");
    } else {
      catalog.add({std::move(change.name), std::move(change.image), change.number});
    }
  }
  if (next_) snapshot_ = std::exchange(next_, nullptr);
  std::erase_if(known_, [](const auto& file) { return file.second.expired(); });
  for (auto& [id, mapping] : files_) known_[id] = mapping;
  files_.clear();
  changes_.clear();
  number_ = message.number;
  if (head_.whole) config_mark_ = next_mark_;
  open_ = false;
  return {};
}

Result<bool> FeedReceiver::take(std::string_view bytes, std::vector<Fd> fds) {
  uint32_t mark = ipc::mark_in(bytes);
  if (mark == ipc::mark_of<FeedBegin>()) {
    UMAYA_TRY(FeedBegin message, ipc::decode<FeedBegin>(bytes));
    UMAYA_CHECK(begin(message, fds));
    return false;
  }
  if (mark == ipc::mark_of<FeedFile>()) {
    UMAYA_TRY(FeedFile message, ipc::decode<FeedFile>(bytes));
    UMAYA_CHECK(file(message, fds));
    return false;
  }
  if (mark == ipc::mark_of<FeedZones>()) {
    UMAYA_TRY(FeedZones message, ipc::decode<FeedZones>(bytes));
    UMAYA_CHECK(zones(std::move(message)));
    return false;
  }
  UMAYA_TRY(FeedCommit message, ipc::decode<FeedCommit>(bytes));
  UMAYA_CHECK(commit(message));
  return true;
}

}  // namespace umaya::named
