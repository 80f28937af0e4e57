// NAME    target - what the commands of ndc are done to
//
// SYNOPSIS
//     class ServerControl : public ControlTarget {
//       event::Task<ControlReply> status(Command) override;
//     };
//     ControlReply reply = co_await run_command(target, std::move(command));
//
// DESCRIPTION
//     One function for each verb. One that is not overridden answers that there is nothing behind it.
//
// OWNERSHIP
//     The target outlives every command that runs.
#pragma once

#include <string>

#include "libcommon/event/task.h"
#include "named-lite/control/command.h"

namespace umaya::named {

struct ControlReply {
  bool good = true;
  std::string text;  ///< lines for a person; may be empty
};

/// A reply that says why not.
ControlReply control_error(std::string text);

class ControlTarget {
 public:
  virtual ~ControlTarget() = default;

  virtual event::Task<ControlReply> reload(Command command);
  virtual event::Task<ControlReply> reconfig(Command command);
  virtual event::Task<ControlReply> freeze(Command command);
  virtual event::Task<ControlReply> thaw(Command command);
  virtual event::Task<ControlReply> sync(Command command);
  virtual event::Task<ControlReply> retransfer(Command command);
  virtual event::Task<ControlReply> refresh(Command command);
  virtual event::Task<ControlReply> notify(Command command);
  virtual event::Task<ControlReply> zonestatus(Command command);
  virtual event::Task<ControlReply> flush(Command command);
  virtual event::Task<ControlReply> flushname(Command command);
  virtual event::Task<ControlReply> flushtree(Command command);
  virtual event::Task<ControlReply> status(Command command);
  virtual event::Task<ControlReply> stop(Command command);
  virtual event::Task<ControlReply> halt(Command command);
  virtual event::Task<ControlReply> querylog(Command command);
  virtual event::Task<ControlReply> trace(Command command);
  virtual event::Task<ControlReply> notrace(Command command);
  virtual event::Task<ControlReply> dumpdb(Command command);
  virtual event::Task<ControlReply> stats(Command command);
};

/// Lets the target do what the command says.
event::Task<ControlReply> run_command(ControlTarget& target, Command command);

}  // namespace umaya::named
