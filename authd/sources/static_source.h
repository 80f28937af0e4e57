// NAME    static_source - one password for everybody (auth_static_password)
//
// DESCRIPTION
//     Every name is a user: for migrations and tests, and behind EXTERNAL, where certificates say who may log in. Put
//     it last in auth_sources. An empty auth_static_password fits nobody: only EXTERNAL can be used then.
#pragma once

#include "authd/sources/source.h"

namespace umaya::authd {

class StaticSource : public Source {
 public:
  explicit StaticSource(std::optional<auth::StoredPassword> password) : password_(std::move(password)) {}
  std::string_view name() const override { return "static"; }
  event::Task<Result<std::optional<Account>>> find(std::string user) override {
    Account account;
    account.entry.user = std::move(user);
    account.entry.password = password_;
    account.source = name();
    if (password_) account.stored_text = password_->scheme() + password_->data();
    co_return account;
  }
  unsigned uses() const override { return password_ ? auth::uses_of(*password_) : auth::kEverySecret; }

 private:
  std::optional<auth::StoredPassword> password_;
};

}  // namespace umaya::authd
