#include "libcommon/auth/mechanism_list.h"

#include <algorithm>
#include <iterator>

#include "libcommon/auth/passwd_file.h"
#include "libcommon/base/strings.h"

namespace umaya::auth {

namespace {

constexpr unsigned kForSha1 = kPlain | kScramSha1;
constexpr unsigned kForSha256 = kPlain | kScramSha256;

constexpr MechanismInfo kMechanisms[] = {
    {"PLAIN", "plaintext", kCheckable, false},
    {"LOGIN", "plaintext", kCheckable, false},
    {"SCRAM-SHA-1", "mutual-auth", kForSha1, false},
    {"SCRAM-SHA-1-PLUS", "mutual-auth\tchannel-binding", kForSha1, true},
    {"SCRAM-SHA-256", "mutual-auth", kForSha256, false},
    {"SCRAM-SHA-256-PLUS", "mutual-auth\tchannel-binding", kForSha256, true},
    {"EXTERNAL", "", 0, false},
    {"CRAM-MD5", "dictionary\tactive", kPlain | kCramMd5, false},
    {"APOP", "private\tdictionary\tactive", kPlain, false},
};

}  // namespace

const MechanismInfo* find_mechanism(std::string_view name) {
  auto row = std::find_if(std::begin(kMechanisms), std::end(kMechanisms),
                          [&](const MechanismInfo& m) { return m.name == name; });
  return row == std::end(kMechanisms) ? nullptr : &*row;
}

std::vector<const MechanismInfo*> offered_mechanisms(const std::vector<std::string>& wanted, unsigned uses,
                                                     std::vector<std::string>* unserved,
                                                     std::vector<std::string>* unknown) {
  std::vector<const MechanismInfo*> out;
  for (const std::string& word : wanted) {
    const MechanismInfo* mechanism = find_mechanism(to_upper(word));
    if (mechanism == nullptr) {
      if (unknown != nullptr) unknown->push_back(word);
    } else if (mechanism->needs != 0 && (mechanism->needs & uses) == 0) {
      if (unserved != nullptr) unserved->push_back(word);
    } else {
      out.push_back(mechanism);
    }
  }
  return out;
}

}  // namespace umaya::auth
