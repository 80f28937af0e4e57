// LINK umaya_tls
#include <cstdint>
#include <cstdlib>

#include "libcommon/base/strings.h"
#include "libcommon/tls/client_match.h"
#include "libcommon/tls/client_policy.h"

// Lines of smtp_tls_policy_maps, and behind a line end the name of a certificate that is held against them. A line that
// is taken has names or fingerprints to match only where they mean something, and a name that is no host name (a NUL,
// above all) never fits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace umaya;
  using namespace umaya::tls;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t end = all.find('\n');
  auto policy = parse_client_policy(all.substr(0, end));
  if (!policy) return 0;
  if (!policy->match.empty() && (!must_match(policy->level) || is_dane(policy->level))) std::abort();
  for (const std::string& word : policy->match) {
    if (word.empty()) std::abort();
  }
  if (end == std::string_view::npos) return 0;
  const std::string_view name = all.substr(end + 1);
  const auto wanted = expand_match(policy->match, "mx.example", "example");
  const bool many = matches_name(name, wanted, Wildcards::many_labels);
  const bool one = matches_name(name, wanted, Wildcards::one_label);
  if (one && !many) std::abort();
  if (many && (name.find('\0') != std::string_view::npos || name.find("..") != std::string_view::npos)) std::abort();
  return 0;
}
