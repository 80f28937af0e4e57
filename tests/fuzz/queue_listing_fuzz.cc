// LINK postqueue_core queue-manager_core
// NAME    queue_listing_fuzz - what showq says as postqueue prints it, and the logs of fast flush
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "commands/postqueue/mailq.h"
#include "libcommon/base/strings.h"
#include "libcommon/ipc/codec.h"
#include "libcommon/queue/queue_id.h"
#include "queue-manager/site_log.h"

using namespace umaya;

// Input: the body of a showq::Entry; also the text of a site's log.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in(reinterpret_cast<const char*>(data), size);
  std::string wire;
  ByteWriter(wire).u32(ipc::mark_of<services::showq::Entry>()).bytes(in);
  if (auto entry = ipc::decode<services::showq::Entry>(wire)) {
    postqueue::MailqText text(queue::IdForm::short_form);
    postqueue::MailqJson json;
    std::string out = text.add(*entry) + text.end();
    for (char c : out) {
      if (c != '\n' && static_cast<unsigned char>(c) < ' ') std::abort();
    }
    std::string line = json.add(*entry);
    if (line.empty() != entry->more) std::abort();
    if (!valid_utf8(line) || line.find('\n') != line.npos) std::abort();
  }
  std::string quoted = postqueue::json_string(in);
  if (!valid_utf8(quoted)) std::abort();
  for (char c : quoted) {
    if (static_cast<unsigned char>(c) < ' ') std::abort();
  }
  for (const std::string& id : qmgr::parse_site_log(in)) {
    if (!queue::valid_id(id)) std::abort();
  }
  if (qmgr::site_file_name(in).find_first_of(std::string_view("/.\0", 3)) != std::string::npos) std::abort();
  return 0;
}
