#include "named-lite/zone/zone_text.h"

#include <algorithm>
#include <optional>

#include "libcommon/base/bytes.h"
#include "libcommon/base/strings.h"
#include "named-lite/dns/types.h"
#include "named-lite/zone/generate.h"
#include "named-lite/zone/rdata_text.h"
#include "named-lite/zone/scanner.h"

namespace umaya::named {

namespace {

constexpr int kMostDepth = 10;
constexpr size_t kMostFiles = 64;

/// What one file of a zone, or an included one, leaves to the next.
struct State {
  Name origin;
  std::optional<uint32_t> default_ttl;  // $TTL
  std::optional<uint32_t> last_ttl;
  enum class Owner : unsigned char { none, valid, faulty } owner = Owner::none;
};

class ZoneParser {
 public:
  ZoneParser(const ZoneTextOptions& options, Problems& problems, RecordList& records)
      : options_(options), problems_(problems), records_(records) {
    state_.origin = options.apex;
    apex_text_ = options.apex.text();
    apex_text_.pop_back();
    reverse_ = iends_with(apex_text_, ".arpa");
  }
  void file(std::string_view text, std::string path, int depth);

 private:
  struct Source {
    ZoneScanner scanner;
    uint16_t number;
    int depth;
  };

  void entry(Source& source, const Entry& entry);
  void directive(Source& source, const Entry& entry);
  void include(Source& source, const Entry& entry);
  void generate(Source& source, const Entry& entry);
  bool owner(Source& source, const Entry& entry);
  bool head(Source& source, const Entry& entry, size_t& next, uint16_t& type, std::optional<uint32_t>& ttl);
  bool lacks_final_dot(std::string_view text) const;
  void final_dots(Source& source, std::span<const Token> words, uint16_t type);
  uint32_t implied_ttl(Source& source, const Entry& entry, uint16_t type);
  void complain(Source& source, const Token& at, std::string what, std::string cure = {});
  void rdata_complaint(Source& source, const Entry& entry, const Complaint& complaint);

  const ZoneTextOptions& options_;
  Problems& problems_;
  RecordList& records_;
  State state_;
  std::string rdata_;
  std::string apex_text_;           // without the final dot
  bool reverse_ = false;            // a reverse zone: its values are names of other zones
  std::optional<Edit> owner_edit_;  // the owner of this entry, when its final dot is missing
  size_t files_ = 0;
};

void ZoneParser::complain(Source& source, const Token& at, std::string what, std::string cure) {
  problems_.error({records_.file(source.number), at.line, source.scanner.column_of(at)}, std::move(what),
                  std::move(cure));
}

void ZoneParser::file(std::string_view text, std::string path, int depth) {
  ++files_;
  records_.reserve_for_text(text.size());
  Source source{ZoneScanner(text), records_.add_file(std::move(path)), depth};
  Entry read;
  while (source.scanner.next(read)) {
    if (read.fault != nullptr) {
      complain(source, read.fault_at, read.fault);
      if (!read.blank_owner) state_.owner = State::Owner::faulty;
      continue;
    }
    if (records_.is_full()) {
      complain(source, read.tokens[0], "the zone is larger than 4 GiB: split it");
      return;
    }
    entry(source, read);
  }
}

/// A relative name that ends with the name of the zone: completed, that would stand there twice.
bool ZoneParser::lacks_final_dot(std::string_view text) const {
  if (text.empty() || text.back() == '.' || apex_text_.empty() || !iends_with(text, apex_text_)) return false;
  return text.size() == apex_text_.size() || text[text.size() - apex_text_.size() - 1] == '.';
}

void ZoneParser::final_dots(Source& source, std::span<const Token> words, uint16_t type) {
  std::string_view layout = type_layout(type);
  for (size_t i = 0; i < layout.size() && i < words.size(); ++i) {
    if (layout[i] != 'n' && layout[i] != 'N') continue;
    const Token& word = words[i];
    bool other_zone =
        reverse_ && type == type::kPtr && !word.text.ends_with('.') && word.text.find('.') != std::string_view::npos;
    if (!other_zone && !lacks_final_dot(word.text)) continue;
    std::vector<Edit> edits;
    edits.push_back({word, std::string(word.text) + "."});
    if (owner_edit_) edits.push_back(*owner_edit_);
    problems_.warning({records_.file(source.number), word.line, source.scanner.column_of(word)},
                      "the final dot is missing: this means " + std::string(word.text) + "." + state_.origin.text(),
                      source.scanner.line_with(std::move(edits)));
  }
}

bool ZoneParser::owner(Source& source, const Entry& entry) {
  owner_edit_.reset();
  if (entry.blank_owner) {
    if (state_.owner == State::Owner::none) {
      complain(source, entry.tokens[0], "the first record has no owner: begin the line with @ or a name",
               "@ " + source.scanner.line_with(entry.tokens[0], entry.tokens[0].text));
    }
    return state_.owner == State::Owner::valid;
  }
  Name name;
  const Token& word = entry.tokens[0];
  if (NameError error = name.assign_text(word.text, state_.origin); error != NameError::none) {
    state_.owner = State::Owner::faulty;
    complain(source, word, "\"" + std::string(word.text) + "\" is not a name: " + std::string(describe(error)));
    return false;
  }
  if (lacks_final_dot(word.text)) {
    owner_edit_ = Edit{word, std::string(word.text) + "."};
    problems_.warning({records_.file(source.number), word.line, source.scanner.column_of(word)},
                      "the owner lacks its final dot: this means " + name.text(),
                      source.scanner.line_with(word, owner_edit_->text));
  }
  records_.set_owner(name.wire());
  state_.owner = State::Owner::valid;
  return true;
}

/// The TTL of a record that has none of its own; data: its own, for the SOA sets the value for a zone without $TTL.
uint32_t ZoneParser::implied_ttl(Source& source, const Entry& entry, uint16_t type) {
  if (state_.default_ttl) return *state_.default_ttl;
  if (state_.last_ttl) return *state_.last_ttl;
  uint32_t ttl = 3600;
  if (type == type::kSoa && rdata_.size() >= 4) {
    ByteReader minimum(std::string_view(rdata_).substr(rdata_.size() - 4));
    ttl = std::min<uint32_t>(minimum.be32(), INT32_MAX);
  }
  problems_.warning(
      {records_.file(source.number), entry.line, 0},
      "no TTL is set, so " + std::to_string(ttl) + " seconds are used: put a $TTL line at the top of the file",
      "$TTL " + std::to_string(ttl));
  state_.last_ttl = ttl;
  return ttl;
}

/// TTL and class in either order, then the type. next is left behind the type.
bool ZoneParser::head(Source& source, const Entry& entry, size_t& next, uint16_t& type,
                      std::optional<uint32_t>& own_ttl) {
  bool has_class = false;
  for (; next < entry.tokens.size(); ++next) {
    const Token& word = entry.tokens[next];
    if (uint32_t seconds = 0; !own_ttl && ascii_digit(word.text.empty() ? 'x' : word.text[0])) {
      if (!parse_ttl(word.text, seconds)) {
        complain(source, word, "\"" + std::string(word.text) + "\" is not a TTL: at most 2147483647 seconds");
        return false;
      }
      own_ttl = seconds;
      continue;
    }
    if (auto cls = has_class ? std::nullopt : class_from_text(word.text)) {
      if (*cls != rr_class::kIn) {
        complain(source, word, "only class IN is served", source.scanner.line_with(word, "IN"));
        return false;
      }
      has_class = true;
      continue;
    }
    auto number = type_from_text(word.text);
    if (!number || (*number >= 128 && *number <= 255) || *number == type::kOpt || *number == 0) {
      std::string_view near = nearest_type(word.text);
      std::string what = "\"" + std::string(word.text) + "\" is not a record type";
      if (next == 0) what += " (a line that begins with white space has no owner of its own)";
      complain(source, word, what, near.empty() ? std::string() : source.scanner.line_with(word, near));
      return false;
    }
    type = *number;
    ++next;
    if (own_ttl) state_.last_ttl = own_ttl;
    return true;
  }
  const Token& last = entry.tokens.back();
  complain(source, last, "the record type is missing", source.scanner.line_with(last, std::string(last.text) + " A …"));
  return false;
}

void ZoneParser::rdata_complaint(Source& source, const Entry& entry, const Complaint& complaint) {
  const Token& at = complaint.at != nullptr ? *complaint.at : entry.tokens.back();
  if (complaint.replacement.empty()) return complain(source, at, complaint.what);
  std::vector<Edit> edits;
  edits.push_back({at, complaint.replacement});
  if (owner_edit_) edits.push_back(*owner_edit_);
  complain(source, at, complaint.what, source.scanner.line_with(std::move(edits)));
}

void ZoneParser::entry(Source& source, const Entry& entry) {
  const Token& first = entry.tokens[0];
  if (!entry.blank_owner && !first.quoted && first.text.starts_with('$')) return directive(source, entry);
  bool owned = owner(source, entry);
  size_t next = entry.blank_owner ? 0 : 1;
  uint16_t type = 0;
  std::optional<uint32_t> ttl;
  if (!head(source, entry, next, type, ttl)) return;
  rdata_.clear();
  Complaint complaint;
  std::span<const Token> words = std::span(entry.tokens).subspan(next);
  if (!parse_rdata(type, words, state_.origin, rdata_, complaint)) return rdata_complaint(source, entry, complaint);
  final_dots(source, words, type);
  if (!owned) return;
  uint32_t column = words.empty() ? 0 : source.scanner.column_of(words[0]);
  if (!ttl) ttl = implied_ttl(source, entry, type);
  records_.add(type, *ttl, rdata_, source.number, entry.line, static_cast<uint16_t>(std::min(column, 65535u)));
}

void ZoneParser::directive(Source& source, const Entry& entry) {
  const Token& verb = entry.tokens[0];
  auto argument = [&](size_t i) { return i < entry.tokens.size() ? &entry.tokens[i] : nullptr; };
  if (iequals(verb.text, "$TTL")) {
    uint32_t seconds = 0;
    if (argument(1) == nullptr || !parse_ttl(argument(1)->text, seconds)) {
      return complain(source, argument(1) != nullptr ? *argument(1) : verb, "$TTL needs a time", "$TTL 1h");
    }
    state_.default_ttl = seconds;
  } else if (iequals(verb.text, "$ORIGIN")) {
    Name origin;
    if (argument(1) == nullptr)
      return complain(source, verb, "$ORIGIN needs a name", "$ORIGIN " + state_.origin.text());
    if (NameError error = origin.assign_text(argument(1)->text, state_.origin); error != NameError::none) {
      return complain(source, *argument(1), "$ORIGIN: " + std::string(describe(error)));
    }
    state_.origin = origin;
  } else if (iequals(verb.text, "$INCLUDE")) {
    return include(source, entry);
  } else if (iequals(verb.text, "$GENERATE")) {
    return generate(source, entry);
  } else {
    return complain(
        source, verb,
        "unknown directive \"" + std::string(verb.text) + "\": there are $TTL, $ORIGIN, $INCLUDE and $GENERATE");
  }
  if (entry.tokens.size() > 2) complain(source, entry.tokens[2], "nothing more may follow here");
}

void ZoneParser::include(Source& source, const Entry& entry) {
  const Token& verb = entry.tokens[0];
  if (entry.tokens.size() < 2) return complain(source, verb, "$INCLUDE needs a file name");
  const Token& path = entry.tokens[1];
  if (source.depth >= kMostDepth) return complain(source, path, "$INCLUDE is nested more than 10 deep");
  if (files_ >= kMostFiles) return complain(source, path, "more than 64 files in one zone");
  State saved = state_;
  if (entry.tokens.size() > 2) {
    NameError error = state_.origin.assign_text(entry.tokens[2].text, saved.origin);
    if (error != NameError::none) return complain(source, entry.tokens[2], "$INCLUDE: " + std::string(describe(error)));
  }
  if (!options_.open) return complain(source, path, "$INCLUDE is not possible here");
  auto text = options_.open(path.text);
  if (!text) return complain(source, path, "$INCLUDE: " + text.error().what);
  std::string owner_before(records_.current_owner());
  state_.owner = State::Owner::none;
  file(*text, std::string(path.text), source.depth + 1);
  // RFC 1035 5.1: origin and owner of the including file stand as before.
  state_.origin = saved.origin;
  state_.owner = saved.owner;
  if (saved.owner == State::Owner::valid) records_.set_owner(owner_before);
}

void ZoneParser::generate(Source& source, const Entry& entry) {
  auto plan = GeneratePlan::create(entry.tokens, options_.most_generated);
  if (!plan) return complain(source, entry.tokens[entry.tokens.size() > 1 ? 1 : 0], plan.error().what);
  Entry line;
  for (uint64_t value = plan->first; value <= plan->last; value += plan->step) {
    auto text = plan->line(value);
    if (!text) return complain(source, entry.tokens[0], text.error().what);
    Source one{ZoneScanner(*text), source.number, source.depth};
    size_t before = problems_.errors();
    while (one.scanner.next(line)) {
      for (Token& token : line.tokens) token.line = entry.line;
      line.line = entry.line;
      if (line.fault == nullptr) this->entry(one, line);
    }
    if (problems_.errors() != before) return;
  }
}

}  // namespace

RecordList parse_zone_text(std::string_view text, std::string file, const ZoneTextOptions& options,
                           Problems& problems) {
  RecordList records(options.apex);
  if (text.size() > kMostZoneText) {
    problems.error({file, 0, 0}, "the zone file is larger than 2 GiB");
    return records;
  }
  ZoneParser(options, problems, records).file(text, std::move(file), 0);
  return records;
}

}  // namespace umaya::named
