#include "commands/postconf/request.h"

#include <fmt/format.h>

#include "libcommon/base/strings.h"

namespace umaya::postconf {
namespace {

constexpr std::string_view kWithArgument = "cCoT";
constexpr std::string_view kFlags = "aAbdefFhHjlmMnpPqtvxX#";

class Parser {
 public:
  explicit Parser(Request request) : request_(std::move(request)) {}

  Result<Request> parse(const std::vector<std::string>& arguments) {
    size_t i = 0;
    for (; i < arguments.size() && arguments[i].size() > 1 && arguments[i][0] == '-'; ++i) {
      if (arguments[i] == "--") {
        ++i;
        break;
      }
      UMAYA_TRY(i, word(arguments, i));
    }
    request_.arguments.assign(arguments.begin() + static_cast<std::ptrdiff_t>(std::min(i, arguments.size())),
                              arguments.end());
    UMAYA_CHECK(finish());
    return std::move(request_);
  }

 private:
  /// One word of options: "-nx", "-cDIR" or "-c" "DIR". Gives the index of the last word used.
  Result<size_t> word(const std::vector<std::string>& arguments, size_t i) {
    std::string_view letters = std::string_view(arguments[i]).substr(1);
    while (!letters.empty()) {
      char letter = letters.front();
      letters.remove_prefix(1);
      if (kWithArgument.find(letter) != std::string_view::npos) {
        if (letters.empty() && ++i == arguments.size()) {
          return permanent(fmt::format("option -{} requires an argument; {}", letter, kUsage));
        }
        UMAYA_CHECK(option(letter, letters.empty() ? std::string_view(arguments[i]) : letters));
        return i;
      }
      if (kFlags.find(letter) == std::string_view::npos) {
        return permanent(fmt::format("invalid option -- '{}'; {}", letter, kUsage));
      }
      UMAYA_CHECK(flag(letter));
    }
    return i;
  }

  Result<> option(char letter, std::string_view value) {
    switch (letter) {
      case 'c':
        request_.directory = std::string(value);
        return {};
      case 'o':
        request_.overrides.emplace_back(value);
        if (value.find('=') != std::string_view::npos) return {};
        return permanent(fmt::format("invalid parameter override: {}: missing '=' after attribute name", value));
      case 'C':
        return classes(value);
      default:
        return permanent(fmt::format("option -{} is not part of this version of Umaya", letter));
    }
  }

  Result<> classes(std::string_view value) {
    request_.builtin_class = request_.service_class = request_.user_class = false;
    for (std::string_view name : split(value, ", \t")) {
      bool all = name == "all";
      if (!all && name != "builtin" && name != "service" && name != "user") {
        return permanent(fmt::format("unknown -C option value \"{}\" in \"{}\"", name, value));
      }
      request_.builtin_class |= all || name == "builtin";
      request_.service_class |= all || name == "service";
      request_.user_class |= all || name == "user";
    }
    return {};
  }

  Result<> subject(Subject subject) {
    if (request_.subject != Subject::parameters && request_.subject != subject) {
      return permanent("specify one of -a -A -b -F -l -m -M -p -P -t");
    }
    request_.subject = subject;
    return {};
  }

  Result<> change(Change change) {
    if (request_.action == Action::edit && request_.change != change) return permanent("specify one of -e -X -#");
    request_.action = Action::edit;
    request_.change = change;
    return {};
  }

  Result<> listing(Listing listing) {
    if (request_.listing != Listing::all && request_.listing != listing) return permanent("specify one of -d -n");
    request_.listing = listing;
    return {};
  }

  Result<> parts(Parts parts) {
    if (request_.form.parts != Parts::both && request_.form.parts != parts) return permanent("specify one of -h -H");
    request_.form.parts = parts;
    return {};
  }

  Result<> flag(char letter) {
    switch (letter) {
      case 'a':
        return subject(Subject::server_sasl);
      case 'A':
        return subject(Subject::client_sasl);
      case 'b':
        return subject(Subject::notices);
      case 'F':
        return subject(Subject::fields);
      case 'l':
        return subject(Subject::lock_types);
      case 'm':
        return subject(Subject::table_types);
      case 'M':
        return subject(Subject::entries);
      case 'P':
        return subject(Subject::options);
      case 't':
        return subject(Subject::templates);
      case 'd':
        return listing(Listing::defaults);
      case 'n':
        return listing(Listing::set);
      case 'e':
        return change(Change::set);
      case 'X':
        return change(Change::remove);
      case '#':
        return change(Change::comment_out);
      case 'h':
        return parts(Parts::values);
      case 'H':
        return parts(Parts::names);
      case 'f':
        request_.form.layout = Layout::folded;
        return {};
      case 'j':
        request_.form.layout = Layout::json;
        return {};
      case 'x':
        request_.expansion = Expansion::expanded;
        return {};
      case 'q':
        request_.quiet = true;
        return {};
      default:  // -p and -v change nothing
        return {};
    }
  }

  /// Rules between options, and the editing that "name=value" asks for without -e.
  Result<> finish() {
    bool assigns = false;
    for (const std::string& argument : request_.arguments) assigns |= argument.find('=') != std::string::npos;
    if (assigns && request_.action == Action::edit && request_.change != Change::set) {
      return permanent("specify one of -e -X -#");
    }
    if (assigns) request_.action = Action::edit;
    const char subject_letter = request_.subject == Subject::entries   ? 'M'
                                : request_.subject == Subject::fields  ? 'F'
                                : request_.subject == Subject::options ? 'P'
                                                                       : ' ';
    if (subject_letter == ' ') return {};
    if (request_.listing != Listing::all) {
      return permanent(fmt::format("with option -{}, do not specify -{}", subject_letter,
                                   request_.listing == Listing::set ? 'n' : 'd'));
    }
    if (subject_letter == 'M' && request_.form.parts != Parts::both) {
      return permanent(
          fmt::format("with option -M, do not specify -{}", request_.form.parts == Parts::names ? 'H' : 'h'));
    }
    bool removes = request_.action == Action::edit && request_.change != Change::set;
    if (subject_letter == 'F' && removes) return permanent("with option -F, do not specify -X or -#");
    if (subject_letter == 'P' && removes && request_.change == Change::comment_out) {
      return permanent("with option -P, do not specify -#");
    }
    return {};
  }

  Request request_;
};

}  // namespace

Result<Request> parse_command_line(const std::vector<std::string>& arguments, const std::string& default_directory) {
  Request request;
  request.directory = default_directory;
  return Parser(std::move(request)).parse(arguments);
}

}  // namespace umaya::postconf
