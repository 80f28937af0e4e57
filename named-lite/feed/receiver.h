// NAME    receiver - takes up what a Publisher sends
//
// SYNOPSIS
//     FeedReceiver receiver;
//     UMAYA_TRY(bool exchanged, receiver.take(bytes, std::move(fds)));
//     if (exchanged) answer_from(receiver.snapshot());
//
// DESCRIPTION
//     Gathers a feed (messages.h) beside what is served; the commit exchanges everything at once. A feed that is not
//     whole changes zones of the snapshot in place: nothing of a snapshot may be held from one message to the next but
//     shared pointers.
//
// ERRORS
//     take() trusts nothing: sizes, offsets, seals, headers of images, names and views are checked, and a feed that is
//     not as it must be is an error, after which the receiver is of no more use. The snapshot of before stays.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "named-lite/feed/image_store.h"
#include "named-lite/feed/messages.h"
#include "named-lite/server/config_files.h"
#include "named-lite/server/snapshot.h"

namespace umaya::named {

/// The same for the same configuration (ConfigFiles without secrets, encoded), another for another one.
uint64_t config_mark_of(std::string_view config);

class FeedReceiver {
 public:
  /// One message; true when the snapshot is a new one, or zones of it have changed.
  Result<bool> take(std::string_view bytes, std::vector<Fd> fds);
  /// Null before the first whole feed.
  SnapshotPtr snapshot() const { return snapshot_; }
  /// Number of the feed that was taken up last.
  uint64_t number() const { return number_; }
  /// Of the configuration of the snapshot.
  uint64_t config_mark() const { return config_mark_; }

 private:
  struct Change {
    size_t view;
    std::string name;
    ImagePtr image;
    uint32_t number = UINT32_MAX;
  };
  Result<void> begin(const FeedBegin& message, const std::vector<Fd>& fds);
  Result<void> file(const FeedFile& message, const std::vector<Fd>& fds);
  Result<void> zones(FeedZones message);
  Result<ImagePtr> image_of(const FeedZone& zone) const;
  Result<void> commit(const FeedCommit& message);

  std::shared_ptr<Snapshot> snapshot_;
  uint64_t number_ = 0;
  uint64_t config_mark_ = 0;
  std::map<uint64_t, std::weak_ptr<const Mapping>> known_;  // files that images of the snapshot lie in
  // The feed that is under way.
  bool open_ = false;
  FeedBegin head_;
  std::shared_ptr<Snapshot> next_;  // of a whole feed
  uint64_t next_mark_ = 0;
  std::map<uint64_t, MappingPtr> files_;
  std::vector<Change> changes_;
};

}  // namespace umaya::named
