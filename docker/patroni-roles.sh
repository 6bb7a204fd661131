#!/bin/sh
# Runs once, when Patroni has made the cluster, with the superuser's address: the owner of the
# tables, and the role as which instances log in. `tables` in docker/compose.cluster.yml gives it
# its rights.
set -eu
# There is no standby yet, for which a commit could wait. The standbys are copies of what is here.
export PGOPTIONS='-c synchronous_commit=local'
psql --set=ON_ERROR_STOP=1 --dbname="$1" \
  --set=owner="$OWNER_PASSWORD" --set=instance="$INSTANCE_PASSWORD" <<'SQL'
CREATE ROLE repasse LOGIN PASSWORD :'owner' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE ROLE repasse_instance LOGIN PASSWORD :'instance' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE DATABASE repasse OWNER repasse;
REVOKE ALL ON DATABASE repasse FROM PUBLIC;
GRANT CONNECT ON DATABASE repasse TO repasse_instance;
SQL
