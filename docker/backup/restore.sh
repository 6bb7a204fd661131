#!/bin/sh
# Fills PostgreSQL's empty data directory from a base backup. At its next start PostgreSQL reads the
# archive of the log beside that backup: up to the given time, or to the archive's end.
#
#   restore.sh <base backup> <data directory> [<time, as 2025-07-15 12:00:00+00>]
set -eu
base=$1
data=$2
until=${3:-}
archive=$(dirname "$base")
if [ -n "$(ls -A "$data")" ]; then
  echo "restore: $data is not empty: move away what is in it" >&2
  exit 1
fi
chmod 700 "$data"
tar -xzf "$base/base.tar.gz" -C "$data"
tar -xzf "$base/pg_wal.tar.gz" -C "$data/pg_wal"
# They count only as long as recovery.signal is there. Of several lines the last one counts: an
# empty time takes back that of an earlier restore.
cat >>"$data/postgresql.auto.conf" <<CONF
restore_command = 'gzip -dc "$archive/%f.gz" > "%p"'
recovery_target_time = '$until'
recovery_target_action = 'promote'
CONF
touch "$data/recovery.signal"
