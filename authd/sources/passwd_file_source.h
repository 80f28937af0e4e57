// NAME    passwd_file_source - users of auth_passwd_file
//
// DESCRIPTION
//     The file is read again when it has changed. While it cannot be read, or is being written, every log-in is a
//     temporary trouble.
#pragma once

#include <sys/stat.h>

#include "authd/sources/source.h"

namespace umaya::authd {

class PasswdFileSource : public Source {
 public:
  PasswdFileSource(std::string path, auth::PasswdRules rules) : path_(std::move(path)), rules_(std::move(rules)) {}
  std::string_view name() const override { return "passwd-file"; }
  Result<void> refresh() override;
  event::Task<Result<std::optional<Account>>> find(std::string user) override;
  unsigned uses() const override { return file_.uses(); }
  Result<std::vector<std::string>> users() override;
  uint64_t generation() const override { return generation_; }
  const auth::StoredPassword* decoy() const override { return file_.decoy(); }

 private:
  std::string path_;
  auth::PasswdRules rules_;
  auth::PasswdFile file_;
  struct stat seen_ {};
  uint64_t generation_ = 0;
};

}  // namespace umaya::authd
