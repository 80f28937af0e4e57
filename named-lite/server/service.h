// NAME    service - named-lite as a service of master.cf
#pragma once

namespace umaya::named {

/// Runs under master; gives the exit code. The sockets for questions are our own, since master knows none for UDP; the
/// service's Unix socket is how master starts us and looks after us.
int run_service(int argc, char** argv);

}  // namespace umaya::named
