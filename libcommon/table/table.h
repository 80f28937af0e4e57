// NAME    table - lookup tables: one question, one of three answers
//
// SYNOPSIS
//     UMAYA_TRY(auto table, table::open(options, "hash:/etc/aliases"));     // open.h
//     auto answer = table->lookup_now("root");
//     if (answer && answer->found()) use(answer->value());
//
// DESCRIPTION
//     A table is named "type:name" as in main.cf. Most types answer at once; those that ask another process (tcp,
//     socketmap) give nothing from lookup_now() and are asked with co_await lookup(). "Not found" and "could not ask"
//     are different answers: the second is a temporary error of the mail at hand.
//     Maps (maps.h) is a list of tables; settle (settle.h) runs plain code over tables that have to wait.
//
// OWNERSHIP
//     open() gives a unique_ptr. Answers own their text.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "libcommon/base/result.h"

namespace umaya::event {
template <class T>
class Task;
}

namespace umaya::table {

/// What a table says about one key.
class Lookup {
 public:
  /// Not found.
  Lookup() = default;
  static Lookup of(std::string value) { return Lookup(std::move(value)); }
  static Lookup failed(Error error) { return Lookup(std::move(error)); }
  static Lookup failed(std::string what) { return Lookup(Error{ErrorKind::temporary, 0, std::move(what), {}}); }

  bool found() const { return std::holds_alternative<std::string>(state_); }
  bool missing() const { return std::holds_alternative<std::monostate>(state_); }
  bool is_error() const { return std::holds_alternative<Error>(state_); }
  explicit operator bool() const { return found(); }
  /// Only when found().
  const std::string& value() const { return std::get<std::string>(state_); }
  std::string take() { return std::move(std::get<std::string>(state_)); }
  /// Only when is_error(): the table could not be asked.
  const Error& error() const { return std::get<Error>(state_); }

 private:
  explicit Lookup(std::string value) : state_(std::move(value)) {}
  explicit Lookup(Error error) : state_(std::move(error)) {}
  std::variant<std::monostate, std::string, Error> state_;
};

/// Whether a key is the whole thing asked about, or a part of it (a domain, an address without its extension).
enum class KeyForm : unsigned char { whole, partial };

/// How a table takes keys.
enum class Matching : unsigned char {
  exact,    ///< a fixed string: whole and partial keys are asked
  pattern,  ///< a pattern (regexp, cidr, tcp): only the whole key is asked
};

class Table {
 public:
  virtual ~Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  /// The answer, or nothing when the table has to wait for another process.
  virtual std::optional<Lookup> lookup_now(std::string_view key) = 0;
  /// The answer, after waiting if needed. The table must outlive the task.
  virtual event::Task<Lookup> lookup(std::string key);
  virtual Matching matching() const { return Matching::exact; }
  /// Whether the file behind the table is no longer the one that was opened; the holder should open it again.
  virtual bool changed() const { return false; }
  /// Calls fn(key, value) for each entry, in the order of the table. Permanent error for types that cannot.
  virtual Result<> for_each(const std::function<void(std::string_view, std::string_view)>& fn);
  /// "type:name".
  const std::string& name() const { return name_; }
  std::string_view type() const { return std::string_view(name_).substr(0, name_.find(':')); }

 protected:
  explicit Table(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
};

/// Shall keys be compared without regard to case? (Tables of fixed strings only.)
enum class CaseRule : unsigned char { fold, keep };

/// Lower case, also outside ASCII when s is valid UTF-8.
std::string fold_case(std::string_view s);

/// key in the form that a table of fixed strings is asked with; borrows key when nothing changes.
class FoldedKey {
 public:
  FoldedKey(std::string_view key, CaseRule rule);
  std::string_view view() const { return view_; }

 private:
  std::string storage_;
  std::string_view view_;
};

}  // namespace umaya::table
