#!/bin/sh
# Copies programs into an empty tree, each with the libraries that it is linked with, and adds the
# few files that libc asks for:  collect.sh TREE FILE…
set -eu
tree=$1
shift

mkdir -p "$tree/etc" "$tree/tmp" "$tree/run/sockets" "$tree/run/ledger" "$tree/usr/bin" "$tree/usr/local/bin"
chmod 1777 "$tree/tmp"
ln -s usr/bin "$tree/bin"
# ldd says "name => /path (address)", or "/path (address)" for the loader.
for file in "$@"; do
  case $file in */bin/*) cp -L --parents "$file" "$tree" ;; esac
  ldd "$file" | sed -nE 's/^[^/]*(\/[^ ]+) .*/\1/p'
done | sort -u | while read -r library; do
  cp -L --parents "$library" "$tree"
done

echo 'root:x:0:0:root:/:/sbin/nologin
repasse:x:1000:1000:repasse:/repasse:/sbin/nologin' >"$tree/etc/passwd"
echo 'root:x:0:
repasse:x:1000:' >"$tree/etc/group"
echo 'passwd: files
group: files
hosts: files dns' >"$tree/etc/nsswitch.conf"
