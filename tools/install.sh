#!/bin/sh
# make install: puts the programs where Postfix's are expected. install.sh BUILD DESTDIR PREFIX
set -eu
build=$1 destdir=$2 prefix=${3:-/usr}
top=$(cd "$(dirname "$0")/.." && pwd)
bin=$destdir$prefix/bin sbin=$destdir$prefix/sbin libexec=$destdir$prefix/libexec/umaya lib=$destdir$prefix/lib
man=$destdir$prefix/share/man
mkdir -p "$bin" "$sbin" "$libexec" "$lib" "$destdir/etc/umaya" "$destdir/var/spool/umaya" "$destdir/var/lib/umaya"

for program in "$build"/libexec/*; do
  install -m 755 "$program" "$libexec/"
done
for program in "$build"/bin/*; do
  [ -L "$program" ] || install -m 755 "$program" "$sbin/"
done
ln -sf ../sbin/sendmail "$lib/sendmail"
ln -sf ../sbin/sendmail "$bin/mailq"
ln -sf ../sbin/sendmail "$bin/newaliases"
for name in ndc named-checkconf named-checkzone named-compilezone; do
  # BIND's own are left alone where both are installed
  [ -e "$sbin/$name" ] && [ ! -L "$sbin/$name" ] || ln -sf ../libexec/umaya/named-lite "$sbin/$name"
done
for file in main.cf master.cf named.conf; do
  # what an administrator has written is never overwritten
  [ -e "$destdir/etc/umaya/$file" ] || install -m 644 "$top/etc/$file" "$destdir/etc/umaya/$file"
done
if [ -d "$top/etc/systemd" ]; then
  mkdir -p "$destdir/lib/systemd/system"
  install -m 644 "$top"/etc/systemd/*.service "$destdir/lib/systemd/system/"
fi
for page in "$top"/man/*.[158]; do
  [ -e "$page" ] || continue
  section=${page##*.}
  mkdir -p "$man/man$section"
  install -m 644 "$page" "$man/man$section/"
done
# The set-gid commands need their group; without it (a build for packaging) the package does this.
if [ -z "$destdir" ] && getent group umayadrop >/dev/null; then
  for program in postdrop postqueue; do
    [ -e "$sbin/$program" ] || continue
    chgrp umayadrop "$sbin/$program"
    chmod 2755 "$sbin/$program"
  done
else
  echo "to do as root: chgrp umayadrop $prefix/sbin/postdrop $prefix/sbin/postqueue; chmod 2755 those two"
fi
