#!/bin/sh
# What `make install` leaves is enough to build against: a program that finds ito through pkg-config alone, once with the
# shared library and once with the static one, from a prefix that nothing else knows.
set -eu
build=${ITO_BUILD_DIR:-build}
run=${ITO_EMULATOR:-} # words; what runs a program of another processor
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cmake --install "$build" --prefix "$place/prefix" >"$place/log" || { cat "$place/log"; exit 1; }
[ ! -x "$build/ito" ] || $run "$place/prefix/bin/ito" version

cat >"$place/user.c" <<'END'
#include <stdio.h>
#include <ito/context.h>
#include <ito/rng.h>
int main(void)
{
    ito_ctx *ctx;
    float z;
    if (ito_ctx_create(NULL, &ctx)) return 1;
    ito_rng_normal((ito_rng_key){.seed = 1, .stream = ITO_STREAM_USER}, 0, 1, &z);
    printf("%s %g\n", ito_status_name(ITO_OK), (double)z);
    ito_ctx_destroy(ctx);
    return 0;
}
END
export PKG_CONFIG_PATH="$place/prefix/lib/pkgconfig"
# shellcheck disable=SC2046 # flags are words
${CC:-cc} "$place/user.c" $(pkg-config --cflags --libs ito) -o "$place/shared"
LD_LIBRARY_PATH="$place/prefix/lib" $run "$place/shared"
rm "$place"/prefix/lib/libito.so*
# shellcheck disable=SC2046
${CC:-cc} "$place/user.c" $(pkg-config --static --cflags --libs ito) -o "$place/static"
$run "$place/static"
