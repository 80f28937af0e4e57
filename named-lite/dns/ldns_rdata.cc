#include "named-lite/dns/ldns_rdata.h"

#include <ldns/ldns.h>

#include <memory>

namespace umaya::named {

namespace {

struct FreeRecord {
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
};
struct FreeName {
  void operator()(ldns_rdf* name) const { ldns_rdf_deep_free(name); }
};
struct FreeBytes {
  void operator()(uint8_t* bytes) const { LDNS_FREE(bytes); }
};

constexpr size_t kMostText = 64 * 1024;

}  // namespace

bool parse_with_ldns(const TypeInfo& info, std::span<const Token> words, const Name& origin, std::string& out,
                     std::string& why) {
  std::string line = ". 0 IN " + std::string(info.name);
  for (const Token& word : words) {
    line += ' ';
    if (word.quoted) line += '"';
    line += word.text;
    if (word.quoted) line += '"';
  }
  why = std::string(info.name) + " needs: " + std::string(info.usage);
  if (words.empty() || line.size() > kMostText) return false;
  std::unique_ptr<ldns_rdf, FreeName> origin_name(
      ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, origin.size(), origin.wire().data()));
  ldns_rr* raw = nullptr;
  ldns_status status = ldns_rr_new_frm_str(&raw, line.c_str(), 0, origin_name.get(), nullptr);
  std::unique_ptr<ldns_rr, FreeRecord> record(raw);
  if (status != LDNS_STATUS_OK) {
    why += std::string(" (") + ldns_get_errorstr_by_id(status) + ")";
    return false;
  }
  uint8_t* bytes = nullptr;
  size_t size = 0;
  if (ldns_rr2wire(&bytes, record.get(), LDNS_SECTION_ANSWER, &size) != LDNS_STATUS_OK) return false;
  std::unique_ptr<uint8_t, FreeBytes> owned(bytes);
  constexpr size_t kHead = 1 + 2 + 2 + 4 + 2;  // root owner, type, class, TTL, length
  if (size < kHead) return false;
  out.append(reinterpret_cast<const char*>(bytes) + kHead, size - kHead);
  return true;
}

}  // namespace umaya::named
