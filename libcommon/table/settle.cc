#include "libcommon/table/settle.h"

namespace umaya::table {
namespace {

// The settle() that runs on this thread's stack now; only set while its plain code runs, never across a wait.
thread_local Answers* current_answers = nullptr;

}  // namespace

Lookup Answers::find(const std::shared_ptr<Table>& table, std::string_view key) {
  Question question(table, std::string(key));
  auto known = known_.find(question);
  if (known != known_.end()) return known->second;
  questions_.push_back(std::move(question));
  return Lookup::failed("waiting for table " + table->name());
}

event::Task<void> Answers::wait() {
  auto questions = std::exchange(questions_, {});
  for (Question& question : questions) {
    Lookup answer = co_await question.first->lookup(question.second);
    known_.insert_or_assign(std::move(question), std::move(answer));
  }
}

Lookup ask_answers(const std::shared_ptr<Table>& table, std::string_view key) {
  if (current_answers != nullptr) return current_answers->find(table, key);
  return Lookup::failed("table " + table->name() + " cannot answer at once");
}

AnswersInUse::AnswersInUse(Answers* answers) : outer_(std::exchange(current_answers, answers)) {}
AnswersInUse::~AnswersInUse() {
  current_answers = outer_;
}

}  // namespace umaya::table
