// NAME    content - the text of a message on its way out
//
// SYNOPSIS
//     FileContent content(fd, offset, size, scratch);
//     while (true) {
//       Result<bool> more = content.pump([&](std::string_view piece) { encoder.feed(piece, sink); });
//       if (!more) …   // the queue file cannot be read      if (!*more) break;
//     }
//
// DESCRIPTION
//     FileContent gives the content of a queue file as it is, 64 KiB at a time into a block that all deliveries of the
//     process share: a piece is used before anything waits. EditedContent (content_edit.h) changes it on the way.
//
// OWNERSHIP
//     Borrows the descriptor and the block. Pieces are valid during the call.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "libcommon/base/result.h"
#include "libcommon/smtp/piece_sink.h"

namespace umaya::smtp_client {

/// The block that content is read into.
using Scratch = std::array<char, 64 * 1024>;

class Content {
 public:
  virtual ~Content() = default;
  /// Gives the next pieces; false when the end was reached. Error: temporary, local.
  virtual Result<bool> pump(smtp::PieceSink sink) = 0;
  /// From the start again, for another server.
  virtual void rewind() = 0;
  /// Octets with CRLF line ends; exact for FileContent, about right for edited content.
  virtual uint64_t size() const = 0;
};

class FileContent : public Content {
 public:
  FileContent(int fd, uint64_t offset, uint64_t size, Scratch& scratch)
      : fd_(fd), offset_(offset), size_(size), scratch_(scratch) {}
  Result<bool> pump(smtp::PieceSink sink) override;
  void rewind() override { position_ = 0; }
  uint64_t size() const override { return size_; }

 private:
  int fd_;
  uint64_t offset_;
  uint64_t size_;
  uint64_t position_ = 0;
  Scratch& scratch_;
};

}  // namespace umaya::smtp_client
