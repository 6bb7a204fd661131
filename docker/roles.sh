#!/bin/sh
# Runs once, when PostgreSQL's image makes the cluster: the role as which instances log in. `tables`
# in docker-compose.production.yml gives it its rights.
set -eu
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
  --set=password="$INSTANCE_PASSWORD" <<'SQL'
CREATE ROLE repasse_instance LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON DATABASE repasse FROM PUBLIC;
GRANT CONNECT ON DATABASE repasse TO repasse_instance;
SQL
