#!/bin/sh
# Every public header compiles alone, in C17 and in C++17 where there is a C++ compiler.
set -eu
bad=0
flags='-Wall -Wextra -pedantic -Werror -fsyntax-only -Iinclude'
cxx=$(command -v g++ || command -v clang++ || true)
for header in include/ito/*.h; do
    name=ito/${header##*/}
    # shellcheck disable=SC2086 # flags are words
    echo "#include <$name>" | ${CC:-cc} -std=c17 $flags -x c - || { echo "$header: not alone in C17"; bad=1; }
    [ -z "$cxx" ] || echo "#include <$name>" | $cxx -std=c++17 $flags -x c++ - ||
        { echo "$header: not alone in C++17"; bad=1; }
done
exit $bad
