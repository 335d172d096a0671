# How the set-up scripts speak: plain lines on stderr, and errors in the form that `ladder` prints too. Sourced, not run.

say() { printf '%s\n' "$*" >&2; }

# die REFERENCE MESSAGE HINT: a prerequisite is missing (exit 3); HINT is the command that repairs it.
die() {
  printf 'error[%s]: %s\n  hint: %s\n' "$1" "$2" "$3" >&2
  exit 3
}

is_root() { [ "$(id -u)" = 0 ]; }

# The distribution family decides whether we may install anything at all.
is_debian_family() {
  local release=${LADDER_OS_RELEASE:-/etc/os-release}
  [ -r "$release" ] && grep -qE '^(ID|ID_LIKE)=.*(debian|ubuntu)' "$release" && command -v apt-get >/dev/null
}
