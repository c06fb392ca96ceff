#!/bin/sh
# The program in the first comment of ito/ito.h compiles, and ito.h includes every public header.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '1,/\*\//p' include/ito/ito.h | sed -n 's/^ \*     //p; s/^ \*$//p' >"$work/program.c"
grep -q 'int main' "$work/program.c"
${CC:-cc} -std=c17 -Wall -Wextra -Werror -Iinclude -c "$work/program.c" -o "$work/program.o"
status=0
for header in include/ito/*.h; do
    name=ito/${header##*/}
    [ "$name" = ito/ito.h ] || grep -q "#include <$name>" include/ito/ito.h || {
        echo "include/ito/ito.h does not include $name"
        status=1
    }
done
exit $status
