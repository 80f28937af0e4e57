// NAME    queue_id - names of messages in the queue
//
// SYNOPSIS
//     std::string id = queue::make_id(queue::IdForm::short_form);    // "4F0A1BC23DE"
//     if (!queue::valid_id(text)) …
//
// DESCRIPTION
//     Short form: the microseconds of the second in five hexadecimal digits, then six random ones, upper case.
//     Long form (enable_long_queue_ids): the time in base 52 (six or more digits for seconds, four for microseconds),
//     the letter z, and a random part in base 51. The digits of base 52 are 0-9 and the consonants, upper case before
//     lower, so that no id spells a word; base 51 leaves out z. An id is a file name: valid_id() is what stands between
//     the words of a stranger and a path.
//     An id is made without looking at the disk; the one who creates the file finds out about a clash (EEXIST), which
//     is a temporary error.
//
// LIMITS
//     6 to 64 characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace umaya::queue {

enum class IdForm : unsigned char { short_form, long_form };

inline constexpr size_t kMinIdSize = 6;
inline constexpr size_t kMaxIdSize = 64;

/// A new id from the clock and random bits.
std::string make_id(IdForm form);
/// The same from a given time (microseconds since 1970) and random bits.
std::string make_id(IdForm form, int64_t usec, uint64_t random);

/// Whether the text is an id of either form, and so a safe file name: ASCII letters and digits within the limits.
bool valid_id(std::string_view id);
/// The form, judged by the place of the letter z.
IdForm form_of(std::string_view id);
/// Microseconds since 1970 of a long id; nothing for a short or damaged one.
std::optional<int64_t> creation_time(std::string_view id);

/// The characters that choose the hash directories of an id (hash_queue_depth of them): the first characters of a
/// short id, padded with '_'; the five hexadecimal digits of the microseconds of a long one.
std::string hash_characters(std::string_view id, unsigned depth);

}  // namespace umaya::queue
