// NAME    batch - the updates of a zone that are worked through together, without I/O but the journal's
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "named-lite/update/apply_update.h"
#include "named-lite/update/journal.h"
#include "named-lite/zone/image.h"

namespace umaya::named {

/// One update of a batch.
struct BatchItem {
  const UpdateMessage* update = nullptr;
  UpdateRequester client;
};

struct BatchResult {
  struct Answer {
    uint16_t rcode = 0;
    std::string why;      ///< for the log, when the code is not NOERROR
    uint32_t serial = 0;  ///< behind it, when it changed something
    size_t removed = 0;
    size_t added = 0;
  };
  std::vector<Answer> answers;             ///< one for each update
  std::shared_ptr<const ZoneImage> image;  ///< null: nothing changed. Shared with who answers from it
  ZoneChange change{};                     ///< of all of them together, that led to it
  std::string error;                       ///< the journal or the image failed: all changes got SERVFAIL
};

/// Judges each update, writes the changes to the journal, and makes the new image. Blocks until all is durable.
BatchResult run_batch(const std::shared_ptr<const ZoneImage>& before, const std::vector<BatchItem>& items,
                      const UpdateRules& rules, Journal& journal, const ZoneId& zone, uint64_t most_journal,
                      int64_t now);

}  // namespace umaya::named
