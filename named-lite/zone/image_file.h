// NAME    image_file - the image of a zone on the disk, so that a restart need not read the zone's text again
//
// SYNOPSIS
//     save_image("big.zone.nlz", *image, {rules, sources}, problems);
//     auto image = load_image("big.zone.nlz", rules, problems);       // an error: read the text
//
// DESCRIPTION
//     The file names what the image was made from: every file that was read, with inode, size and times, and the rules
//     that decided on the result (the zone's name, the options of the checker). It holds as long as none of them has
//     changed. The problems that were found are kept with it and are reported again.
//     What is loaded is a copy: nobody can change it or cut it off behind our back. Checksums find torn and damaged
//     files.
//
// ERRORS
//     load_image(): whatever is doubtful, with the reason: another version of the program, a changed or missing source,
//     rules that differ, damage, a file that others may write.
//     save_image(): also when a source was changed just now, for its times cannot tell then whether it is changed
//     again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcommon/base/result.h"
#include "named-lite/zone/image.h"
#include "named-lite/zone/problem.h"
#include "named-lite/zone/source_file.h"

namespace umaya::named {

struct ImageOrigin {
  std::string rules;
  SourceFiles sources;
};

/// Replaces the file as a whole; it survives a power cut.
Result<> save_image(const std::string& path, const ZoneImage& image, const ImageOrigin& origin,
                    const Problems& problems);
/// What may have become of the sources. touched: they may have other times (is_same_file()).
enum class Sources : unsigned char { untouched, touched };
/// Problems that were saved are added.
Result<ImagePtr> load_image(const std::string& path, std::string_view rules, Problems& problems,
                            Sources sources = Sources::untouched);
/// The seed of a saved image, so that a catalog can be made with the same one.
std::optional<uint64_t> saved_seed(const std::string& path);

}  // namespace umaya::named
