// NAME    publisher - keeps the processes that answer supplied with zones
//
// SYNOPSIS
//     Publisher publisher;
//     publisher.connect(number, link);                       // another process is there; it gets everything
//     publisher.configure(std::move(config), *snapshot);     // everybody gets everything anew
//     publisher.change(view, name, image);                   // everybody gets that zone
//     co_await publisher.settled(5s);                        // everybody answers from what was given so far
//
// DESCRIPTION
//     Each receiver gets one feed at a time (messages.h); what changes meanwhile goes with the next one, so that many
//     changes of many zones make few feeds. Images are given a place in shared memory here, and the catalog of this
//     process is told of the copy that lies there.
//
// OWNERSHIP
//     Links outlive their connection: disconnect() first.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "named-lite/feed/image_store.h"
#include "named-lite/feed/link.h"
#include "named-lite/feed/messages.h"
#include "named-lite/server/snapshot.h"

namespace umaya::named {

class Publisher {
 public:
  /// An image has found its place: the same zone from now on.
  using Moved = std::function<void(size_t view, const std::string& name, const ImagePtr& image)>;
  explicit Publisher(Moved moved) : moved_(std::move(moved)) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher();

  void connect(unsigned receiver, Link& link);
  void disconnect(unsigned receiver);
  /// config: a ConfigFiles without secrets, encoded. Zones of the snapshot that are as before keep their place.
  void configure(std::string_view config, const Snapshot& snapshot);
  /// view: its number; image: null when the zone has no data any more.
  void change(size_t view, std::string_view name, ImagePtr image);
  /// A FeedDone has come.
  void done(unsigned receiver, const FeedDone& message);
  /// co_await: true when all receivers have what was given until now, false when the limit is over.
  event::Task<bool> settled(Duration limit);
  size_t receivers() const { return receivers_.size(); }

 private:
  using Key = std::pair<size_t, std::string>;  // view, name
  using Zones = std::map<Key, PlacedImage, std::less<>>;
  struct Receiver {
    explicit Receiver(Link& l) : link(l) {}
    Link& link;
    bool whole = true;
    bool busy = false;
    std::set<const Zones::value_type*> changed;
    std::map<uint64_t, std::weak_ptr<const ImageFile>> files;  // that it was sent
    uint64_t answered = 0;                                     // number of its last FeedDone
    event::Event news;
    event::Event arrived;
    event::TaskScope task;
  };
  struct Feed {
    std::vector<FeedZone> zones;
    std::map<uint64_t, ImageFilePtr> files;
  };

  event::Task<void> supply(Receiver& receiver);
  event::Task<bool> send(Receiver& receiver, uint64_t number, bool whole, Feed feed);
  Feed gather(Receiver& receiver, bool whole);
  bool place_images();
  bool is_settled() const;

  Moved moved_;
  ImageStore store_;
  std::shared_ptr<const ImageFile> config_;  // shared: a feed under way keeps the one that it begins with
  uint64_t seed_ = 0;
  uint64_t number_ = 0;
  Zones zones_;
  std::vector<Zones::value_type*> unplaced_;
  std::map<unsigned, std::unique_ptr<Receiver>> receivers_;
  event::Event progress_;
};

}  // namespace umaya::named
