// LINK umaya_config
// master.cf as text: parsing gives services or an error, and a printed entry reads back the same.
#include <cstdint>
#include <cstdlib>

#include "libcommon/config/master_cf.h"

using namespace umaya;
using namespace umaya::config;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)MasterCf::parse(text, "master.cf");
  auto entries = parse_master_entries(text, "master.cf");
  if (!entries) return 0;
  for (const MasterEntry& entry : *entries) {
    for (Fold fold : {Fold::one_line, Fold::folded}) {
      std::string printed = print_entry(entry, fold);
      auto again = parse_master_entries(printed, "master.cf");
      if (!again || again->size() != 1) abort();
      if (print_entry(again->front(), fold) != printed) abort();
    }
  }
  return 0;
}
