#include "libcommon/tls/identity/files.h"

#include <algorithm>

#include "libcommon/base/strings.h"

namespace umaya::tls {

std::string IdentityFiles::name() const {
  std::string out;
  for (const Pair& pair : pairs) {
    if (!out.empty()) out += '\n';
    out += pair.certificate;
    if (!pair.key.empty()) out.append("\t").append(pair.key);
  }
  return out;
}

std::vector<std::string> IdentityFiles::paths() const {
  std::vector<std::string> out;
  auto add = [&out](const std::string& path) {
    if (!path.empty() && std::find(out.begin(), out.end(), path) == out.end()) out.push_back(path);
  };
  for (const Pair& pair : pairs) {
    add(pair.certificate);
    add(pair.key);
  }
  return out;
}

IdentityFiles identity_files(const config::Config& config, std::string_view prefix) {
  IdentityFiles out;
  auto name_of = [&](std::string_view rest) { return std::string(prefix).append(rest); };
  for (std::string& file : config.get_list(name_of("_tls_chain_files"))) out.pairs.push_back({std::move(file), ""});
  if (!out.empty()) {
    out.parameters = name_of("_tls_chain_files");
    return out;
  }
  static constexpr std::string_view kPairs[][2] = {{"_tls_eccert_file", "_tls_eckey_file"},
                                                   {"_tls_cert_file", "_tls_key_file"}};
  for (const auto& [certificate, key] : kPairs) {
    std::string file = config.get(name_of(certificate));
    if (file.empty() || iequals(file, "none")) continue;
    std::string key_file = config.get(name_of(key));
    if (!out.parameters.empty()) out.parameters += ", ";
    out.parameters += name_of(certificate) + " and " + name_of(key);
    out.pairs.push_back({file, key_file == file ? "" : key_file});
  }
  return out;
}

}  // namespace umaya::tls
