#include "named-lite/control/target.h"

#include <array>

namespace umaya::named {

namespace {

event::Task<ControlReply> nothing_behind(Command command) {
  co_return control_error(std::string(verb_info(command.verb).word) + ": named-lite cannot do that yet");
}

using Handler = event::Task<ControlReply> (ControlTarget::*)(Command);
using T = ControlTarget;

/// In the order of Verb.
constexpr std::array<Handler, kVerbs> kHandlers = {
    &T::reload, &T::reconfig,   &T::freeze, &T::thaw,      &T::sync,      &T::retransfer, &T::refresh,
    &T::notify, &T::zonestatus, &T::flush,  &T::flushname, &T::flushtree, &T::status,     &T::stop,
    &T::halt,   &T::querylog,   &T::trace,  &T::notrace,   &T::dumpdb,    &T::stats,
};

}  // namespace

ControlReply control_error(std::string text) {
  ControlReply reply;
  reply.good = false;
  reply.text = std::move(text);
  return reply;
}

event::Task<ControlReply> ControlTarget::reload(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::reconfig(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::freeze(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::thaw(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::sync(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::retransfer(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::refresh(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::notify(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::zonestatus(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::flush(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::flushname(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::flushtree(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::status(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::stop(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::halt(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::querylog(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::trace(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::notrace(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::dumpdb(Command command) {
  return nothing_behind(std::move(command));
}
event::Task<ControlReply> ControlTarget::stats(Command command) {
  return nothing_behind(std::move(command));
}

event::Task<ControlReply> run_command(ControlTarget& target, Command command) {
  Handler handler = kHandlers[static_cast<size_t>(command.verb)];
  return (target.*handler)(std::move(command));
}

}  // namespace umaya::named
