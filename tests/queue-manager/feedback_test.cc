#include "queue-manager/feedback.h"

#include <catch2/catch.hpp>

using namespace umaya::qmgr;

TEST_CASE("feedback: the forms of postconf are read and others refused", "[qmgr][feedback]") {
  CHECK(Feedback::parse("1")->at(7) == 1);
  CHECK(Feedback::parse("1/8")->at(7) == Approx(0.125));
  CHECK(Feedback::parse("0.25")->at(100) == Approx(0.25));
  CHECK(Feedback::parse("1/concurrency")->at(10) == Approx(0.1));
  CHECK(Feedback::parse("0.5/sqrt_concurrency")->at(16) == Approx(0.125));
  for (const char* bad : {"", "2", "-1", "1/0", "1/x", "abc", "1/concurrency2"}) CHECK_FALSE(Feedback::parse(bad));
}

TEST_CASE("feedback: each success opens the window by one up to the limit while it is the bottleneck",
          "[qmgr][feedback]") {
  WindowLimits limits{.initial = 5, .maximum = 8, .failed_cohorts = 1, .positive = {}, .negative = {}};
  ConcurrencyWindow window(limits);
  CHECK(window.size() == 5);
  window.succeeded(limits, 0);
  CHECK(window.size() == 5);  // nothing else under way: five places are enough
  for (int i = 0; i < 10; ++i) window.succeeded(limits, 7);
  CHECK(window.size() == 8);
}

TEST_CASE("feedback: 1/concurrency needs a window of successes for one step", "[qmgr][feedback]") {
  WindowLimits limits{.initial = 4, .maximum = 0, .positive = *Feedback::parse("1/concurrency"), .negative = {}};
  ConcurrencyWindow window(limits);
  int steps = 0;
  while (window.size() == 4 && steps < 100) window.succeeded(limits, 3), ++steps;
  CHECK(steps == 4);
  steps = 0;
  while (window.size() == 5 && steps < 100) window.succeeded(limits, 4), ++steps;
  CHECK(steps <= 6);
}

TEST_CASE("feedback: a window full of failures makes one cohort and a destination dead", "[qmgr][feedback]") {
  WindowLimits limits{.initial = 5, .maximum = 20, .failed_cohorts = 1, .positive = {}, .negative = {}};
  ConcurrencyWindow window(limits);
  int failures = 1;
  while (window.failed(limits) == ConcurrencyWindow::State::alive) ++failures;
  CHECK(failures <= 5);
  CHECK(window.size() >= 1);
  WindowLimits never = limits;
  never.failed_cohorts = 0;
  ConcurrencyWindow stubborn(never);
  for (int i = 0; i < 100; ++i) CHECK(stubborn.failed(never) == ConcurrencyWindow::State::alive);
  CHECK(stubborn.size() == 1);
}

TEST_CASE("feedback: the first failure closes the window by one even with small feedback", "[qmgr][feedback]") {
  WindowLimits limits{
      .initial = 10, .maximum = 0, .failed_cohorts = 10, .positive = {}, .negative = *Feedback::parse("1/8")};
  ConcurrencyWindow window(limits);
  (void)window.failed(limits);
  CHECK(window.size() == 9);
  for (int i = 0; i < 6; ++i) (void)window.failed(limits);
  CHECK(window.size() == 9);
  (void)window.failed(limits);
  CHECK(window.size() == 8);
}
