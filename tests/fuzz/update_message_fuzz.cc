// LINK named-lite_core
// NAME    update_message_fuzz - any UPDATE is refused or leaves a zone that can be compiled from its change
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "named-lite/update/apply_update.h"
#include "named-lite/zone/change_image.h"
#include "named-lite/zone/checker.h"
#include "named-lite/zone/image_lookup.h"
#include "named-lite/zone/image_records.h"
#include "named-lite/zone/zone_text.h"

using namespace umaya::named;

namespace {

std::shared_ptr<const ZoneImage> zone() {
  Problems problems;
  ZoneTextOptions options{*Name::from_text("a."), {}};
  RecordList records = parse_zone_text(
      "$TTL 9\n@ SOA n r 7 2 3 4 5\n@ NS n\nn A 1.2.3.4\nt TXT x\nt TXT y\nc CNAME n\nd DNAME t\nm MX 5 n\n", "z",
      options, problems);
  return std::make_shared<const ZoneImage>(compile_zone(records, 1));
}

void require(bool holds) {
  if (!holds) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::shared_ptr<const ZoneImage> before = zone();
  UpdateMessage message;
  if (parse_update({reinterpret_cast<const char*>(data), size}, message) != 0 || message.zone != before->apex_name()) {
    return 0;
  }
  UpdateRules rules;
  rules.access.allow_update = std::make_shared<const Acl>(acl_of_any());
  ZoneEdit edit(*before);
  UpdateResult result = apply_update(edit, message, {{*umaya::net::IpAddress::parse("::1"), nullptr}, false}, rules, 0);
  if (!result.change) return 0;
  auto after = apply_change(before, *result.change);
  require(after.has_value());
  require((*after)->apex().find(2) != nullptr && (*after)->apex().find(6)->count == 1);
  RecordList records = records_of(**after);
  Problems problems;
  check_zone(records, **after, problems);
  return 0;
}
