// NAME    image_store - images of zones in sealed memory that other processes can map
//
// SYNOPSIS
//     UMAYA_CHECK(store.place(images));      // images: those that have no place yet
//     if (store.crowded()) …                 // too many files: give all small images a new place
//
// DESCRIPTION
//     A large image lies in a memfd already (zone/image_memory.h) and stays there: the file is that one, with the room
//     for later versions of the zone, which need no file of their own then. Small images are copied into files of
//     kShared bytes that they share, so that as many zones as there are names need few descriptors and few mappings.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "named-lite/answer/catalog.h"
#include "named-lite/feed/memory_file.h"

namespace umaya::named {

/// A sealed file with images.
struct ImageFile {
  uint64_t id = 0;
  Fd fd;
  size_t size = 0;
  std::shared_ptr<const ImageMemory> memory{};  ///< of a large image; fd is empty then
  int descriptor() const { return memory ? memory->fd() : fd.get(); }
};
/// Shared: each image in it keeps its file.
using ImageFilePtr = std::shared_ptr<const ImageFile>;

/// An image and where it lies.
struct PlacedImage {
  ImagePtr image;
  std::weak_ptr<const ZoneImage> origin{};  ///< what it was before it found its place
  ImageFilePtr file{};                      ///< null: it has no place yet
  uint64_t offset = 0;
  uint64_t size = 0;
  uint32_t number = UINT32_MAX;  ///< ServedZone::number

  /// Whether this is a later version that lies in the same memory.
  bool goes_on_with(const ImagePtr& data) const {
    return file && file->memory && data && file->memory == data->shared_memory();
  }
  /// The same image, which has found its place as that of another zone.
  void take_place_of(const PlacedImage& other) {
    uint32_t counted_as = number;
    *this = other;
    number = counted_as;
  }
  /// Whether it lies in a file with others.
  bool is_small() const { return file && !file->memory && size < ImageMemory::kLarge; }
  /// Whether these are its data.
  bool has(const ImagePtr& data) const {
    return image == data || (data && !origin.owner_before(data) && !data.owner_before(origin));
  }
};

class ImageStore {
 public:
  static constexpr size_t kLarge = ImageMemory::kLarge;
  static constexpr size_t kShared = size_t{8} << 20;  ///< bytes of a shared file
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kMostSharedFiles = 128;

  /// Gives those without a place one, and the image that is mapped there.
  Result<void> place(std::span<PlacedImage* const> images);
  /// There are more shared files than there should be: images were changed one by one.
  bool crowded();

 private:
  void stay(PlacedImage& image);
  Result<void> place_together(std::span<PlacedImage* const> images, size_t size);
  uint64_t next_id_ = 1;
  std::vector<std::weak_ptr<const ImageFile>> shared_;
};

/// The image in this part of a mapping; an error when there is none.
Result<ImagePtr> image_in(const MappingPtr& mapping, uint64_t offset, uint64_t size);

}  // namespace umaya::named
