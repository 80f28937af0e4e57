// NAME    result - values or errors
//
// SYNOPSIS
//     Result<Fd> open_queue_file(...);
//     UMAYA_TRY(auto fd, open_queue_file(...));      // returns the error to our caller
//     UMAYA_CO_TRY(auto fd, co_await ...);           // the same inside a coroutine
//
// DESCRIPTION
//     Every fallible function gives Result<T>. An Error says whether trying again later may help, because that
//     decides between 4xx and 5xx, defer and bounce. Exceptions are for bugs and end the process.
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace umaya {

/// What an error means for the mail at hand.
enum class ErrorKind : unsigned char {
  temporary,  ///< try again later: 4xx, defer
  permanent,  ///< will not get better: 5xx, bounce
  bug,        ///< a broken invariant of ours; treated as temporary for the mail (invariant: our fault is never 5xx)
};

/// Why something failed.
struct Error {
  ErrorKind kind = ErrorKind::temporary;
  int sys_errno = 0;  ///< errno when a system call failed, else 0
  std::string what;   ///< for a person: "open /etc/umaya/main.cf: Permission denied"
  std::string dsn{};  ///< enhanced status code (RFC 3463), empty when the caller chooses

  bool is_permanent() const { return kind == ErrorKind::permanent; }
};

template <class T = void>
using Result = std::expected<T, Error>;

/// An error that may pass.
inline std::unexpected<Error> temporary(std::string what, std::string dsn = {}) {
  return std::unexpected(Error{ErrorKind::temporary, 0, std::move(what), std::move(dsn)});
}

/// A definite "no".
inline std::unexpected<Error> permanent(std::string what, std::string dsn = {}) {
  return std::unexpected(Error{ErrorKind::permanent, 0, std::move(what), std::move(dsn)});
}

/// A failed system call: "WHAT: strerror(ERR)", temporary. err defaults to errno.
inline std::unexpected<Error> sys_error(std::string_view what, int err = errno) {
  return std::unexpected(Error{ErrorKind::temporary, err, std::string(what) + ": " + strerror(err), {}});
}

}  // namespace umaya

#define UMAYA_CONCAT_(a, b) a##b
#define UMAYA_CONCAT(a, b) UMAYA_CONCAT_(a, b)
#define UMAYA_TRY_(tmp, ret, decl, expr)                 \
  auto tmp = (expr);                                     \
  if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
/// UMAYA_TRY(auto x, expr): x = value of expr, or return its error.
#define UMAYA_TRY(decl, expr) UMAYA_TRY_(UMAYA_CONCAT(try_result_, __LINE__), return, decl, expr)
/// The same in a coroutine.
#define UMAYA_CO_TRY(decl, expr) UMAYA_TRY_(UMAYA_CONCAT(try_result_, __LINE__), co_return, decl, expr)
/// UMAYA_CHECK(expr): return the error of a Result<void>.
#define UMAYA_CHECK(expr)                                                                                      \
  do {                                                                                                         \
    if (auto check_result_ = (expr); !check_result_) return std::unexpected(std::move(check_result_).error()); \
  } while (0)
/// The same in a coroutine.
#define UMAYA_CO_CHECK(expr)                                                         \
  do {                                                                               \
    auto check_result_ = (expr);                                                     \
    if (!check_result_) co_return std::unexpected(std::move(check_result_).error()); \
  } while (0)
