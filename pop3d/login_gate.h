// NAME    login_gate - connections that have not logged in yet, and how many of them there may be
//
// SYNOPSIS
//     LoginGate gate(500, 50);
//     LoginGate::Pass pass = gate.enter(address, fd);       // false: this address has had its share
//     …log in…                                             // leaves when pass goes
//
// DESCRIPTION
//     One address (one /64 of IPv6) may have pop3_login_address_limit connections that are not logged in. When
//     pop3_login_limit are open altogether, the one that has been there longest is cut off for a new one: somebody who
//     holds connections open, or floods us with log-ins, cannot keep others out.
//
// OWNERSHIP
//     The gate outlives its passes. Borrows the descriptor while a pass lives.
#pragma once

#include <list>
#include <string>
#include <utility>

#include "libcommon/base/strings.h"

namespace umaya::pop3d {

class LoginGate {
  struct Entry {
    std::string address;
    int fd;
    bool cut_off;
  };

 public:
  class Pass {
   public:
    Pass() = default;
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), at_(other.at_) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() { leave(); }
    void leave();
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    friend class LoginGate;
    Pass(LoginGate* gate, std::list<Entry>::iterator at) : gate_(gate), at_(at) {}
    LoginGate* gate_ = nullptr;
    std::list<Entry>::iterator at_{};
  };

  LoginGate(size_t most, size_t most_of_address) : most_(most), most_of_address_(most_of_address) {}
  LoginGate(const LoginGate&) = delete;
  LoginGate& operator=(const LoginGate&) = delete;
  /// address: in text. Cuts off the oldest connection when there are too many.
  Pass enter(std::string_view address, int fd);
  size_t size() const { return entries_.size(); }

 private:
  static constexpr size_t kMostCutOff = 4;  // times the limit: they go as soon as they run
  size_t most_, most_of_address_;
  std::list<Entry> entries_;  // oldest first
  std::list<Entry> cut_off_;  // have not gone yet
  StringMap<size_t> counts_;
};

}  // namespace umaya::pop3d
