// NAME    mbox_rewrite - replaces the end of a file by other parts of it so that a power cut loses nothing
//
// SYNOPSIS
//     std::vector<MboxPiece> pieces{{.offset = 700, .size = 300}, {.text = "Status: RO\n"}, …};
//     UMAYA_CHECK(replace_tail(fd, begin, size, pieces));     // the file is now [0, begin) and the pieces
//
// DESCRIPTION
//     The pieces are written behind the end and flushed, then written to `begin` and flushed, then the file is cut and
//     flushed. At each moment all of them are in the file, at one place or the other. When there is no room for the
//     copy they are moved forward without it, as far as they are parts of the file: then only a power cut in that
//     moment can harm.
//
// ERRORS
//     Temporary. Before the copy is complete nothing has changed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/base/result.h"

namespace umaya::mailbox {

struct MboxPiece {
  uint64_t offset = 0;  ///< a part of the file, not before the one of the piece before
  uint64_t size = 0;
  std::string text{};     ///< goes in front of the part
  std::string instead{};  ///< what the text replaces, written when there is no room
};

/// end: the size of the file, which is open for reading and writing, and not for appending.
Result<void> replace_tail(int fd, uint64_t begin, uint64_t end, const std::vector<MboxPiece>& pieces);

}  // namespace umaya::mailbox
