#!/bin/sh
# A base backup of the running PostgreSQL, beside the archive of its log. Prints its directory.
#
#   base.sh <archive> [options of pg_basebackup: --host, --username]
set -eu
archive=$1
shift
backup=$archive/base-$(date -u +%Y%m%dT%H%M%SZ)
new=$backup.unfinished
pg_basebackup --pgdata="$new" --format=tar --gzip --wal-method=stream --checkpoint=fast \
  --no-password "$@"
mv "$new" "$backup"
sync "$archive"
echo "$backup"
