#!/bin/sh
# PostgreSQL's archive_command. A file of its log that is full goes into the archive, compressed. It
# has its name there only once it is whole and on the disk, and it is never replaced.
#
#   archive.sh <path of the file> <its name> <archive>
set -eu
file=$1
kept=$3/$2.gz
new=$3/.$2.new
if [ -e "$kept" ]; then
  # After a crash PostgreSQL may archive the same file again.
  if gzip -dc "$kept" | cmp -s - "$file"; then exit 0; fi
  echo "archive: $kept is there already, and has another content" >&2
  exit 1
fi
gzip -1 -c "$file" >"$new"
sync "$new"
mv "$new" "$kept"
sync "$3"
