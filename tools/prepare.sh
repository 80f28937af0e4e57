#!/bin/sh
# Installs the Debian packages that building and testing need, and says which. With "peers" or "fuzz": those for that, too.
# Servers that tests only talk to are never installed: they are unpacked into the build folder where they are needed.
set -eu
packages="g++ cmake ninja-build pkg-config libevent-dev libssl-dev libldns-dev libfmt-dev catch2 liblmdb-dev libcdb-dev
  libpcre2-dev libidn2-dev libsqlite3-dev libpq-dev libmariadb-dev libldap-dev libcrypt-dev libargon2-dev libpam0g-dev python3 openssl"
case "${1:-}" in
  fuzz) packages="$packages clang-19 libclang-rt-19-dev" ;;
esac
missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "installing:$missing"
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
