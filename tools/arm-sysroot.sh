#!/bin/sh
# Unpacks Debian's arm64 libraries, those that ito needs and all that these need, into a folder: `sh tools/arm-sysroot.sh FOLDER`.
# Nothing on this system changes: apt works on lists and a cache of its own below FOLDER, and nothing is installed.
# Done at once where FOLDER is complete.
set -eu
root=${1:?usage: sh tools/arm-sysroot.sh FOLDER}
packages='libc6-dev libgomp1 libpng-dev libjpeg62-turbo-dev zlib1g-dev libjansson-dev liblapacke-dev libcmocka-dev'

[ ! -e "$root/complete" ] || exit 0
mkdir -p "$root/apt/lists/partial" "$root/apt/cache/archives/partial"
root=$(cd "$root" && pwd)

apt() {
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::status="$root/apt/status" \
        -o Dir::State::lists="$root/apt/lists" -o Dir::Cache="$root/apt/cache" -o Debug::NoLocking=true \
        -o APT::Sandbox::User= "$@"
}

: >"$root/apt/status"
echo "arm-sysroot: fetching$(printf ' %s' $packages) for arm64"
apt update
# shellcheck disable=SC2086 # package names are words
apt install -y --download-only --no-install-recommends $packages
for package in "$root"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
rm -r "$root/apt"
# Debian's alternatives, which installing would have set: the reference LAPACK and BLAS.
for library in lapack/liblapack blas/libblas; do
    (cd "$root/usr/lib/aarch64-linux-gnu" && ln -sf "$library.so.3" . && ln -sf "$library.so" "$library.a" .)
done
# Links from the root of a file system are to begin at FOLDER.
find "$root" -type l -lname '/*' | while IFS= read -r link; do ln -sf "$root$(readlink "$link")" "$link"; done
touch "$root/complete"
