#!/bin/sh
# The shared library exports every function that a public header declares, nothing else, and lacks none of its own.
set -eu
library=${ITO_BUILD_DIR:-build}/libito.so
bad=0
exported=$(nm -D --defined-only "$library" | awk '{ print $3 }' | sort)
private=$(echo "$exported" | grep -vE '^ito_[a-z0-9]' || true)
[ -z "$private" ] || { echo "exported, but not public names:" $private; bad=1; }

# A declaration starts a line: type, name, bracket.
declared=$(sed -nE 's/^[a-z][a-z0-9_ ]*[ *](ito_[a-z0-9_]+)\(.*/\1/p' include/ito/*.h | sort -u)
for name in $declared; do
    echo "$exported" | grep -qx "$name" || { echo "declared in include/ito, but not in the library: $name"; bad=1; }
done
for name in $exported; do
    grep -qw -- "$name" include/ito/*.h || { echo "exported, but in no public header: $name"; bad=1; }
done
missing=$(nm -D --undefined-only "$library" | awk '$2 ~ /^ito_/ { print $2 }')
[ -z "$missing" ] || { echo "used, but defined nowhere:" $missing; bad=1; }
soname=$(readelf -d "$library" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')
case $soname in
libito.so.[0-9]*) ;;
*) echo "soname is '$soname', expected libito.so.NUMBER"; bad=1 ;;
esac
echo "$(echo "$exported" | wc -l) exported names, soname $soname"
exit $bad
