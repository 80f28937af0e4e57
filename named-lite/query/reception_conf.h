// NAME    reception_conf - what named.conf says of cookies, options and class CH, for a reception
#pragma once

#include "named-lite/answer/reception.h"
#include "named-lite/config/answer_conf.h"

namespace umaya::named {

/// secret: makes cookies when the configuration names none.
ReceptionConf reception_conf(const ServerAnswerConf& conf, const CookieSecret& secret);

}  // namespace umaya::named
