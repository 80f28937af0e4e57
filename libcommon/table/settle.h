// NAME    settle - run plain code over tables that have to wait
//
// SYNOPSIS
//     auto question = [&] { return resolver.resolve(sender, recipient); };
//     Route route = co_await table::settle(std::move(question));
//
// DESCRIPTION
//     fn is ordinary code that looks things up (Maps::find, the searches, route). Where a table cannot answer at once
//     the question is noted and fn sees an error; settle then waits for the answers and runs fn again, which now finds
//     them, until nothing new is asked. Tables that answer at once cost nothing extra. fn must have no effects besides
//     its result, and give the same questions for the same answers.
//
// OWNERSHIP
//     What fn refers to must outlive the task.
//
// LIMITS
//     256 rounds; then the last result, an error, is given.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/event/task.h"
#include "libcommon/table/table.h"

namespace umaya::table {

/// Answers that had to be waited for, and the questions that are still open.
class Answers {
 public:
  /// The answer, or an error that stands for "not known yet"; then the question is noted.
  Lookup find(const std::shared_ptr<Table>& table, std::string_view key);
  bool has_questions() const { return !questions_.empty(); }
  /// Waits for all open questions.
  event::Task<void> wait();

 private:
  using Question = std::pair<std::shared_ptr<Table>, std::string>;
  std::map<Question, Lookup> known_;
  std::vector<Question> questions_;
};

/// What Maps asks when a table cannot answer at once: the Answers of the settle() around it, else an error.
Lookup ask_answers(const std::shared_ptr<Table>& table, std::string_view key);

/// Makes answers the ones that ask_answers uses on this thread while it lives.
class AnswersInUse {
 public:
  explicit AnswersInUse(Answers* answers);
  AnswersInUse(const AnswersInUse&) = delete;
  AnswersInUse& operator=(const AnswersInUse&) = delete;
  ~AnswersInUse();

 private:
  Answers* outer_;
};

template <class Fn>
event::Task<std::invoke_result_t<Fn&>> settle(Fn fn) {
  constexpr int kMaxRounds = 256;
  Answers answers;
  for (int round = 1;; ++round) {
    auto run = [&] {
      AnswersInUse in_use(&answers);
      return fn();
    };
    auto result = run();
    if (!answers.has_questions() || round == kMaxRounds) co_return result;
    co_await answers.wait();
  }
}

}  // namespace umaya::table
