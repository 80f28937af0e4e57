// NAME    journal_pages - whether a file of LMDB holds all the pages that it names
//
// SYNOPSIS
//     std::string damage = page_damage(file);      // empty: it may be opened
//
// DESCRIPTION
//     LMDB trusts its file, which it maps: a page that is not there, because the power failed before it reached the
//     disk, ends the process. This looks for it first. From the newer one of the two roots it visits every page of both
//     trees; each must lie within the file, carry its own number, and be of the kind that its place asks for. Pages
//     that nothing leads to need not be there: a file may end before the last page that was ever used.
//
// ERRORS
//     What is found is text for a person. That the octets of a page are those that were written is not seen here: steps
//     have checksums of their own (journal_entry.h).
//
// LIMITS
//     Files of this machine's byte order and word size, as LMDB's are. Reads each page of the trees once.
#pragma once

#include <string>
#include <string_view>

namespace umaya::named {

/// file: all its octets, not empty.
std::string page_damage(std::string_view file);

/// A quick look: whether the file reaches to the last page that was ever used.
bool has_all_pages(int fd);

/// page_damage() of an open file; empty, too, when the file is.
std::string page_damage_in(int fd);

}  // namespace umaya::named
