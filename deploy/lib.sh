# shellcheck shell=bash
# Shared by deploy/try, tests/run and tests/clean_machine; sourced, never run. It installs what is
# missing (and nothing else), builds a preset, and says one line when something stands in the way.
# Quiet when there is nothing to do. Everything goes to standard error; standard output is the
# caller's. The caller has set -euo pipefail.
#
# WEIR_INSTALL=no  never call apt-get: what the lists deploy/packages-* name is there by other means
# WEIR_JOBS=N      parallel jobs (default: one a core)

weir_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
weir_jobs=${WEIR_JOBS:-$(nproc)}

weir_say() {
    printf 'weir: %s\n' "$*" >&2
}

weir_die() {
    weir_say "$*"
    exit 1
}

# weir_packages LIST...: the package names of deploy/packages-LIST.
weir_packages() {
    local list
    for list; do
        sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$weir_root/deploy/packages-$list"
    done
}

# weir_missing PACKAGE...: those that are not installed, one a line.
weir_missing() {
    local package
    for package; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            echo "$package"
    done
}

weir_as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

weir_check_system() {
    local name version
    name=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown}") || name=unknown
    version=$(. /etc/os-release 2>/dev/null && echo "${VERSION_ID:-unknown}") || version=unknown
    [ "$name" = debian ] ||
        weir_die "this is $name $version, not Debian 12: install what deploy/packages-* lists by" \
            "other means and set WEIR_INSTALL=no"
    [ "$version" = 12 ] ||
        weir_say "this is Debian $version; only Debian 12 is tested, going on"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        weir_die "not root and no sudo: run as root once, or let root install: $*"
    weir_as_root true 2>/dev/null || weir_die "sudo refused: run as root once, or let root install: $*"
}

# Debian starts a service the moment its package lands. Weir starts its own private redis-server and
# wants nobody's port 6379, so services stay off while we install, unless the machine has a policy.
weir_policy=/usr/sbin/policy-rc.d
weir_hold_services() {
    [ ! -e "$weir_policy" ] || return 0
    printf '#!/bin/sh\n# written by weir while it installs packages\nexit 101\n' |
        weir_as_root tee "$weir_policy" >/dev/null
    weir_as_root chmod 755 "$weir_policy"
    trap weir_release_services EXIT
}

weir_release_services() {
    trap - EXIT
    if grep -qs 'written by weir' "$weir_policy"; then
        weir_as_root rm -f "$weir_policy"
    fi
}

# weir_keep_off PACKAGE SERVICE: one that was installed just now is not started by the next boot either.
weir_keep_off() {
    case " ${missing[*]} " in
    *" $1 "*)
        if command -v systemctl >/dev/null; then
            weir_as_root systemctl disable -q "$2" >>"$log" 2>&1 || true
        fi
        ;;
    esac
}

# weir_install LIST...: makes sure that the packages of these lists are installed.
weir_install() {
    local wanted missing log=$weir_root/build/log/install.txt
    [ "${WEIR_INSTALL:-yes}" != no ] || return 0
    command -v dpkg-query >/dev/null || weir_check_system
    mapfile -t wanted < <(weir_packages "$@")
    mapfile -t missing < <(weir_missing "${wanted[@]}")
    [ ${#missing[@]} -gt 0 ] || return 0
    weir_check_system "${missing[@]}"
    weir_say "installing ${#missing[@]} packages: ${missing[*]}"
    weir_log "$log"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
    # A failed update is no verdict (one broken third-party source is enough): the install is.
    weir_as_root "${apt[@]}" update >>"$log" 2>&1 || true
    weir_hold_services
    weir_as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 ||
        weir_die "could not install (no network, or a source that lacks them?):" \
            "$(grep -E '^(E|Err)[:0-9]' "$log" | tail -n 1 || true) (all of it: $log)"
    weir_release_services
    weir_keep_off redis-server redis-server
    weir_keep_off openssh-server ssh
}

# weir_log FILE: an empty log file to write to.
weir_log() {
    mkdir -p "$(dirname "$1")" 2>/dev/null || true
    { : >"$1"; } 2>/dev/null ||
        weir_die "cannot write $1 (was build/ made by another user?): remove build/, or run as them"
}

# weir_build PRESET: configures and builds into build/PRESET; says so when it is the first time or
# took long.
weir_build() {
    local preset=$1 dir=$weir_root/build/$1 log=$weir_root/build/log/$1.txt began=$SECONDS
    weir_log "$log"
    # A tree that was moved or mounted elsewhere keeps paths that are no longer true.
    if [ -f "$dir/CMakeCache.txt" ] &&
        ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$weir_root" "$dir/CMakeCache.txt"; then
        rm -rf "$dir"
    fi
    cmake -S "$weir_root" --preset "$preset" >>"$log" 2>&1 || weir_build_failed "$preset" "$log"
    [ -e "$dir/.built" ] || weir_say "building build/$preset (log: build/log/$preset.txt)"
    cmake --build "$dir" --parallel "$weir_jobs" >>"$log" 2>&1 ||
        weir_build_failed "$preset" "$log"
    touch "$dir/.built"
    [ $((SECONDS - began)) -lt 20 ] || weir_say "built build/$preset in $((SECONDS - began)) s"
}

weir_build_failed() {
    grep -nE -A 12 'FAILED:|error:|CMake Error' "$2" | head -n 80 >&2 || tail -n 40 "$2" >&2
    weir_die "build/$1 did not build (all of it: $2)"
}
