#include "authd/system/verify.h"

#include <security/pam_appl.h>
#include <shadow.h>
#include <string.h>

#include <cstdlib>

#include "libcommon/auth/scheme.h"
#include "libcommon/base/clock.h"

namespace umaya::authd {

namespace {

void free_replies(pam_response* replies, int count) {
  for (int i = 0; i < count; ++i) {
    if (replies[i].resp == nullptr) continue;
    explicit_bzero(replies[i].resp, strlen(replies[i].resp));
    free(replies[i].resp);
  }
  free(replies);
}

/// Answers every hidden prompt with the password and every shown one with the user's name.
int converse(int count, const pam_message** messages, pam_response** replies, void* data) {
  const auto& question = *static_cast<const SystemQuestion*>(data);
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  auto* out = static_cast<pam_response*>(calloc(static_cast<size_t>(count), sizeof(pam_response)));
  if (out == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    int style = messages[i]->msg_style;
    bool text_only = style == PAM_ERROR_MSG || style == PAM_TEXT_INFO;
    if (text_only) continue;
    const std::string* answer = style == PAM_PROMPT_ECHO_OFF  ? &question.password
                                : style == PAM_PROMPT_ECHO_ON ? &question.user
                                                              : nullptr;
    if (answer != nullptr) out[i].resp = strdup(answer->c_str());
    if (out[i].resp == nullptr) {
      free_replies(out, count);
      return PAM_CONV_ERR;
    }
  }
  *replies = out;
  return PAM_SUCCESS;
}

/// authd holds answers back itself, the same for every failure.
void no_delay(int, unsigned, void*) {}

SystemAnswer meaning_of(int result) {
  switch (result) {
    case PAM_SUCCESS:
      return SystemAnswer::right;
    case PAM_AUTH_ERR:
    case PAM_USER_UNKNOWN:
    case PAM_MAXTRIES:
    case PAM_ACCT_EXPIRED:
    case PAM_CRED_EXPIRED:
    case PAM_NEW_AUTHTOK_REQD:
    case PAM_AUTHTOK_EXPIRED:
    case PAM_PERM_DENIED:
      return SystemAnswer::wrong;
    default:
      return SystemAnswer::unknown;
  }
}

}  // namespace

SystemAnswer ask_pam(const std::string& pam_service, const SystemQuestion& question) {
  if (question.password.empty() || question.password.find('\0') != std::string::npos) return SystemAnswer::wrong;
  pam_conv conversation{converse, const_cast<SystemQuestion*>(&question)};
  pam_handle_t* pam = nullptr;
  if (pam_start(pam_service.c_str(), question.user.c_str(), &conversation, &pam) != PAM_SUCCESS) {
    return SystemAnswer::unknown;
  }
  // A pointer to a function goes in as an object's, as pam_fail_delay(3) wants it.
  pam_set_item(pam, PAM_FAIL_DELAY, reinterpret_cast<const void*>(&no_delay));
  if (!question.remote.empty()) pam_set_item(pam, PAM_RHOST, question.remote.c_str());
  if (!question.service.empty()) pam_set_item(pam, PAM_TTY, question.service.c_str());
  int result = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  if (result == PAM_SUCCESS) result = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  pam_end(pam, result);
  return meaning_of(result);
}

SystemAnswer ask_shadow(const SystemQuestion& question) {
  errno = 0;
  const spwd* entry = getspnam(question.user.c_str());
  if (entry == nullptr) return errno == 0 || errno == ENOENT ? SystemAnswer::wrong : SystemAnswer::unknown;
  std::string hash = entry->sp_pwdp != nullptr ? entry->sp_pwdp : "";
  bool locked = hash.empty() || hash[0] == '!' || hash[0] == '*';
  bool expired = entry->sp_expire > 0 && wall_seconds() / 86400 >= entry->sp_expire;
  if (locked || expired) return SystemAnswer::wrong;
  auto stored = auth::StoredPassword::parse(hash, "CRYPT");
  auto right = stored ? stored->verify(question.password) : Result<bool>(std::unexpected(stored.error()));
  if (!right) return SystemAnswer::unknown;
  return *right ? SystemAnswer::right : SystemAnswer::wrong;
}

}  // namespace umaya::authd
