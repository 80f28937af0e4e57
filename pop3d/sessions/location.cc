#include "pop3d/sessions/location.h"

#include <sys/stat.h>

#include "libcommon/base/strings.h"
#include "libcommon/fs/file.h"

namespace umaya::pop3d {

namespace {

enum class Format : unsigned char { maildir, mbox };

struct Place {
  Format format;
  std::string path;
};

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

bool leaves_its_place(std::string_view path) {
  for (std::string_view part : split(path, "/")) {
    if (part == "..") return true;
  }
  return path.find('\0') != std::string_view::npos;
}

/// "maildir:~/Maildir:LAYOUT=fs", "mbox:~/mail:INBOX=/var/mail/kim", "/path".
Result<Place> parse_mail(std::string_view mail) {
  Place place{Format::maildir, {}};
  std::string_view rest = mail;
  if (mail.starts_with("maildir:")) rest.remove_prefix(8);
  if (mail.starts_with("mbox:")) {
    rest.remove_prefix(5);
    place.format = Format::mbox;
  }
  size_t colon = rest.find(':');
  place.path = rest.substr(0, colon);
  for (std::string_view option : split(colon == std::string_view::npos ? "" : rest.substr(colon), ":")) {
    if (option.starts_with("INBOX=")) place.path = option.substr(6);
  }
  if (place.path.empty() || place.path.find(':') != std::string::npos) {
    return temporary("userdb_mail \"" + printable(mail) + "\": write maildir:PATH or mbox:PATH");
  }
  return place;
}

bool is_directory(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// Where local(8) delivers.
Result<Place> local_place(const auth::LoginData& data, const Params& params) {
  if (!params.home_mailbox.empty()) {
    return Place{params.home_mailbox.ends_with('/') ? Format::maildir : Format::mbox, params.home_mailbox};
  }
  bool spool = !params.mail_spool_directory.empty() && !is_directory(data.home + "/Maildir");
  if (!spool) return Place{Format::maildir, "Maildir"};
  if (data.user.find('/') != std::string::npos || data.user.starts_with('.')) {
    return temporary("user " + printable(data.user) + ": no name of a file in mail_spool_directory");
  }
  bool maildir = params.mail_spool_directory.ends_with('/');
  return Place{maildir ? Format::maildir : Format::mbox,
               without_slashes(params.mail_spool_directory) + "/" + data.user};
}

/// The longest directory of virtual_mailbox_base that path lies beneath; empty when there is none.
std::string base_of(const std::string& path, const Params& params) {
  std::string longest;
  for (std::string_view word : split_list(params.virtual_mailbox_base)) {
    std::string base = without_slashes(std::string(word));
    if (base.size() > longest.size() && base.size() > 1 && path.starts_with(base + "/")) longest = base;
  }
  return longest;
}

}  // namespace

Result<Location> locate(const auth::LoginData& data, const Params& params) {
  UMAYA_TRY(Place place, data.mail.empty() ? local_place(data, params) : parse_mail(data.mail));
  std::string path = std::move(place.path);
  if (path.starts_with("~/")) path.erase(0, 2);
  if (!path.starts_with('/') && data.home.empty()) return temporary("user " + data.user + " has no home directory");
  if (!path.starts_with('/')) path = data.home + "/" + path;
  path = without_slashes(std::move(path));
  if (leaves_its_place(path)) return temporary("mailbox " + printable(path) + ": \"..\" in the path");
  Location location;
  location.name = (place.format == Format::maildir ? "maildir:" : "mbox:") + path;
  location.root = base_of(path, params);
  if (location.root.empty()) location.root = place.format == Format::maildir ? path : fs::parent_directory(path);
  return location;
}

}  // namespace umaya::pop3d
