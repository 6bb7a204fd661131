# PostgreSQL with Patroni, for docker/compose.cluster.yml.
#
#   docker build -f docker/patroni.Dockerfile -t repasse-patroni:local docker

FROM postgres:17-bookworm
# Debian 12's own Patroni, 3.0.2, can lose commits when a primary that was cut off comes back.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-pip python3-psycopg2 \
 && pip install --no-cache-dir --break-system-packages "patroni[etcd3]==4.0.11" \
 && apt-get purge -y python3-pip && apt-get autoremove -y \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o postgres -g postgres -m 700 /var/lib/postgresql/patroni
COPY patroni.yml /etc/patroni.yml
COPY patroni-roles.sh /usr/local/bin/patroni-roles
RUN chmod 755 /usr/local/bin/patroni-roles
USER postgres
WORKDIR /
# On SIGTERM it stops PostgreSQL, and hands a primary's lease over.
STOPSIGNAL SIGTERM
ENTRYPOINT ["patroni", "/etc/patroni.yml"]
CMD []
