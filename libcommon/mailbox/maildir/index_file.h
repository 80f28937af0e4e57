// NAME    index_file - the index beside a Maildir, of which no more is read than is asked for
//
// SYNOPSIS
//     IndexFile file = IndexFile::open(folder);
//     if (file.header()) …                            // 192 bytes were read
//     std::optional<MailIndex> index = file.load();   // all of it
//
// DESCRIPTION
//     The file is read and not mapped: its owner may cut or change it at any time, and what was checked must be what is
//     used. It is replaced as a whole and never changed in place. It is not flushed: what a power cut left of it fails
//     the checks and is made anew.
#pragma once

#include <optional>
#include <span>

#include "libcommon/base/fd.h"
#include "libcommon/mailbox/maildir/mail_index.h"
#include "libcommon/mailbox/maildir/maildir_folder.h"

namespace umaya::mailbox {

class IndexFile {
 public:
  IndexFile() = default;
  /// A file that is missing or damaged has no header.
  static IndexFile open(const MaildirFolder& folder);
  /// The same when no disk has to be waited for; without a header otherwise.
  static IndexFile open_from_memory(const MaildirFolder& folder);
  const std::optional<IndexHeader>& header() const { return header_; }
  /// Nothing when the file is damaged.
  std::optional<MailIndex> load() const;

 private:
  using ReadAt = Result<size_t> (*)(int fd, std::span<char> buffer, uint64_t offset);
  void read_header(ReadAt read_at);
  Fd fd_;
  std::optional<IndexHeader> header_;
};

Result<void> write_index(const MaildirFolder& folder, MailIndex& index);

}  // namespace umaya::mailbox
