// NAME    free_space - how much a file system can still take
//
// SYNOPSIS
//     fs::FreeSpace space("/var/spool/umaya");
//     if (space.is_below(limit)) …refuse for now…
//
// DESCRIPTION
//     Asks the file system that holds a directory, at most once a second: cheap enough to be asked for each message.
//     Counted is what an ordinary user may fill, not what the file system keeps for root.
//
// ERRORS
//     When the file system does not answer, nobody knows: that is no reason to refuse mail.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "libcommon/base/clock.h"

namespace umaya::fs {

class FreeSpace {
 public:
  using Probe = std::function<std::optional<uint64_t>()>;
  explicit FreeSpace(std::string directory);
  /// Asks the probe instead of a file system (tests).
  explicit FreeSpace(Probe probe) : probe_(std::move(probe)) {}

  /// Free bytes as of a second ago at most; nothing when nobody can say.
  std::optional<uint64_t> bytes();
  /// Whether there are certainly fewer free bytes than that.
  bool is_below(uint64_t limit);

 private:
  Probe probe_;
  std::optional<uint64_t> known_;
  TimePoint asked_{};
  bool fresh_ = false;
};

/// The free bytes without which no mail is taken (queue_minfree): never less than one and a half times the largest
/// message that may come, which is message_size_limit, or what the client declared where there is no limit.
uint64_t space_for_mail(uint64_t queue_minfree, uint64_t message_size_limit, uint64_t declared_size);

}  // namespace umaya::fs
