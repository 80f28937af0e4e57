// NAME    system_source - users of this host, or of passwd_file
//
// DESCRIPTION
//     A user is known by its name, or by name@auth_default_realm. Whether a password is right says PAM, or shadow(5),
//     through the helper. Users below auth_first_valid_uid, root among them, do not exist here.
#pragma once

#include <sys/stat.h>

#include "authd/sources/source.h"

namespace umaya::authd {

class SystemSource : public Source {
 public:
  SystemSource(std::string realm, uint32_t first_valid_uid) : realm_(std::move(realm)), first_uid_(first_valid_uid) {}
  std::string_view name() const override { return "system"; }
  Result<void> refresh() override;
  event::Task<Result<std::optional<Account>>> find(std::string user) override;
  unsigned uses() const override { return auth::kCheckable; }
  uint64_t generation() const override { return generation_; }

 private:
  std::string realm_;
  uint32_t first_uid_;
  struct stat shadow_ {};
  uint64_t generation_ = 0;
};

}  // namespace umaya::authd
