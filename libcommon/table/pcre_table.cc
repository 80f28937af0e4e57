// pcre tables: Perl-compatible regular expressions (PCRE2, compiled to machine code where that is allowed).
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "libcommon/base/strings.h"
#include "libcommon/log/log.h"
#include "libcommon/table/pattern.h"

namespace umaya::table {
namespace {

struct CodeFree {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }
};
struct MatchFree {
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
};

class PcreExpression : public Expression {
 public:
  explicit PcreExpression(pcre2_code* code) : code_(code), match_(pcre2_match_data_create_from_pattern(code, nullptr)) {
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups_);
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  }
  bool matches(std::string_view subject, Groups* groups) const override {
    int count = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), 0,
                            PCRE2_NO_UTF_CHECK, match_.get(), nullptr);
    if (count < 0) {
      if (count != PCRE2_ERROR_NOMATCH) log::warning("pcre: matcher gave up (error {}), expression skipped", count);
      return false;
    }
    if (groups == nullptr) return true;
    groups->clear();
    const PCRE2_SIZE* at = pcre2_get_ovector_pointer(match_.get());
    for (int i = 0; i < count; ++i) {
      PCRE2_SIZE begin = at[2 * i], end = at[2 * i + 1];
      groups->push_back(begin == PCRE2_UNSET || end < begin ? std::string_view{} : subject.substr(begin, end - begin));
    }
    return true;
  }
  size_t group_count() const override { return groups_; }

 private:
  std::unique_ptr<pcre2_code, CodeFree> code_;
  std::unique_ptr<pcre2_match_data, MatchFree> match_;
  uint32_t groups_ = 0;
};

uint32_t option_of(char letter) {
  switch (letter) {
    case 'i':
      return PCRE2_CASELESS;
    case 'm':
      return PCRE2_MULTILINE;
    case 's':
      return PCRE2_DOTALL;
    case 'x':
      return PCRE2_EXTENDED;
    case 'A':
      return PCRE2_ANCHORED;
    case 'E':
      return PCRE2_DOLLAR_ENDONLY;
    case 'U':
      return PCRE2_UNGREEDY;
    default:
      return 0;  // X: PCRE2 always refuses unknown escapes
  }
}

Result<std::unique_ptr<Expression>> compile_pcre(std::string_view pattern, std::string_view toggled) {
  uint32_t options = PCRE2_CASELESS | PCRE2_DOTALL;
  for (char letter : toggled) options ^= option_of(letter);
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error, &at, nullptr);
  if (code == nullptr) {
    char why[256];
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(why), sizeof why);
    return permanent("error in regex at offset " + std::to_string(at) + ": " + why);
  }
  return std::make_unique<PcreExpression>(code);
}

constexpr Dialect kPcre = {"pcre", "imsxAEUX", false, "out of range", "ignoring this rule", compile_pcre};

}  // namespace

Opened open_pcre(const Options& options, std::string name) {
  return open_pattern_table(options, kPcre, std::move(name));
}

}  // namespace umaya::table
