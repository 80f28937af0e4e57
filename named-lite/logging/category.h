// NAME    category - the subjects of log lines, as BIND's logging statement names them
//
// SYNOPSIS
//     namespace { using log = Logged<Category::xfer_in>; }     // of all lines of a file
//     log::info("{}: transferred", zone);
//
// DESCRIPTION
//     A file that writes of one subject says so once; its lines go the way of all lines and carry the category with
//     them (current_category()) for who sorts them. Lines without one are `general`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "libcommon/log/log.h"

namespace umaya::named {

enum class Category : uint8_t {
  general,
  config,
  zoneload,
  queries,
  query_errors,
  security,
  xfer_in,
  xfer_out,
  notify,
  update,
  update_security,
  resolver,
  lame_servers,
  rate_limit,
};
inline constexpr size_t kCategories = static_cast<size_t>(Category::rate_limit) + 1;

/// "xfer-in" and so on.
std::string_view category_text(Category category);
std::optional<Category> category_from_text(std::string_view text);
/// Whether BIND has a category of that name, of which named-lite writes nothing.
bool is_empty_category(std::string_view text);

/// Of the line that this thread is about to write.
Category current_category();

/// As long as it lives, lines of this thread are of that category.
class CategoryScope {
 public:
  explicit CategoryScope(Category category);
  CategoryScope(const CategoryScope&) = delete;
  CategoryScope& operator=(const CategoryScope&) = delete;
  ~CategoryScope();

 private:
  Category before_;
};

/// umaya::log for lines of one category.
template <Category C>
struct Logged {
  using Level = log::Level;
  static void write(Level level, std::string_view text) {
    CategoryScope scope(C);
    log::write(level, text);
  }
  template <class... Args>
  static void info(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::info, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  static void warning(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  static void error(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::error, fmt::format(format, std::forward<Args>(args)...));
  }
};

}  // namespace umaya::named
