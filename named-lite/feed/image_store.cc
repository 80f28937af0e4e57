#include "named-lite/feed/image_store.h"

#include <algorithm>
#include <cstring>

namespace umaya::named {

namespace {

constexpr size_t kMostFile = size_t{4} << 30;

size_t aligned(size_t size) {
  return (size + ImageStore::kAlignment - 1) & ~(ImageStore::kAlignment - 1);
}

}  // namespace

Result<ImagePtr> image_in(const MappingPtr& mapping, uint64_t offset, uint64_t size) {
  std::string_view all = mapping->bytes();
  if (size > all.size() || offset > all.size() - size || offset % ImageStore::kAlignment != 0) {
    return permanent("the image lies outside of its file");
  }
  return ZoneImage::adopt(ImageMemory::borrow(mapping, all.data() + offset, size), size);
}

Result<void> ImageStore::place_together(std::span<PlacedImage* const> images, size_t size) {
  auto fill = [&](std::span<char> room) {
    size_t at = 0;
    for (const PlacedImage* each : images) {
      std::string_view bytes = each->image->bytes();
      std::memcpy(room.data() + at, bytes.data(), bytes.size());
      at += aligned(bytes.size());
    }
  };
  UMAYA_TRY(Fd fd, sealed_file("zones", size, fill));
  UMAYA_TRY(MappingPtr mapping, Mapping::of(fd.get(), kMostFile));
  auto file = std::make_shared<const ImageFile>(next_id_++, std::move(fd), size);
  if (size < kLarge) shared_.push_back(file);
  size_t at = 0;
  for (PlacedImage* each : images) {
    size_t length = each->image->bytes().size();
    UMAYA_TRY(ImagePtr image, image_in(mapping, at, length));
    each->origin = std::exchange(each->image, std::move(image));
    each->file = file;
    each->offset = at;
    each->size = length;
    at += aligned(length);
  }
  return {};
}

void ImageStore::stay(PlacedImage& image) {
  auto memory = image.image->shared_memory();
  image.file = std::make_shared<const ImageFile>(next_id_++, Fd(), memory->capacity(), memory);
  image.origin = image.image;
  image.offset = 0;
  image.size = image.image->bytes().size();
}

Result<void> ImageStore::place(std::span<PlacedImage* const> images) {
  std::vector<PlacedImage*> gathered;
  size_t size = 0;
  auto finish = [&]() -> Result<void> {
    if (gathered.empty()) return {};
    UMAYA_CHECK(place_together(gathered, size));
    gathered.clear();
    size = 0;
    return {};
  };
  for (PlacedImage* each : images) {
    if (!each->image || each->file) continue;
    size_t length = aligned(each->image->bytes().size());
    if (each->image->memory().fd() >= 0) {
      stay(*each);
      continue;
    }
    if (length >= kLarge) {  // there was no memfd to be had when it was made
      UMAYA_CHECK(place_together({&each, 1}, length));
      continue;
    }
    if (size + length > kShared) UMAYA_CHECK(finish());
    gathered.push_back(each);
    size += length;
  }
  return finish();
}

bool ImageStore::crowded() {
  std::erase_if(shared_, [](const auto& file) { return file.expired(); });
  return shared_.size() > kMostSharedFiles;
}

}  // namespace umaya::named
