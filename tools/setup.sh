#!/bin/sh
# Installs the Debian packages that are missing: `sh tools/setup.sh [GROUP ...]`.
#   build (the default)  what building and testing needs
#   lint                 clang and its tools: make lint, tsan, fuzz
#   valgrind             make valgrind
#   arm                  make arm: the cross compiler and the emulator
#   torch                PyTorch, only to compare speeds with it
# ITO_NO_INSTALL=1 prints the command and stops. Nothing missing: silent, and done at once.
set -eu

packages() {
    case $1 in
    build) echo gcc libc6-dev cmake ninja-build pkg-config libpng-dev libjpeg62-turbo-dev zlib1g-dev libjansson-dev \
        liblapacke-dev libcmocka-dev ;;
    lint) echo clang clang-format clang-tidy python3 libomp-dev libclang-rt-14-dev g++ ;;
    valgrind) echo valgrind ;;
    arm) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user ;;
    torch) echo python3-torch libopenblas0-openmp ;; # the BLAS that torch gets otherwise is the slow reference one
    *) echo "setup: no group '$1'; there are build, lint, valgrind, arm and torch" >&2; return 2 ;;
    esac
}

wanted=
for group in "${@:-build}"; do
    names=$(packages "$group")
    wanted="$wanted $names"
done

if ! command -v dpkg-query >/dev/null; then
    echo "setup: this system has no dpkg; install the counterparts of these Debian packages if a step fails:$wanted"
    exit 0
fi

# shellcheck disable=SC2086 # package names are words
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p') || true
missing=
for package in $wanted; do
    echo "$installed" | grep -qx -- "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root='sudo '
command="${as_root}apt-get install -y --no-install-recommends$missing"
if [ -n "${ITO_NO_INSTALL:-}" ]; then
    echo "setup: ITO_NO_INSTALL is set, so nothing was installed; run this and try again:" >&2
    echo "    ${as_root}apt-get update && $command" >&2
    exit 1
fi
if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
    echo "setup: packages are missing and there is no sudo; run this as root and try again:" >&2
    echo "    apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi

echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# A package list that is missing or old is the usual reason for a failure: fetch it, and try again.
# shellcheck disable=SC2086
apt-cache show $missing >/dev/null 2>&1 || ${as_root}apt-get update
$command || { ${as_root}apt-get update && $command; } || {
    echo "setup: apt-get could not install the packages above; see its messages, then run make again" >&2
    exit 1
}
