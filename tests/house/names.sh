#!/bin/sh
# A file name says which file: no two sources share one. And no file knows where somebody keeps the tree.
set -eu
# Tracked files and new ones that git does not ignore; without git, everything outside the build folders.
files=$(git ls-files --cached --others --exclude-standard 2>/dev/null ||
    find . -type f ! -path './build*' ! -path './.git/*' ! -path './out/*')
bad=0

twice=$(echo "$files" | grep -E '\.(c|h|sh|py)$' | sed 's/.*\///' | sort | uniq -d)
[ -z "$twice" ] || { echo "names used twice:" $twice; bad=1; }

for file in $files; do
    [ -f "$file" ] || continue
    if grep -InE '(^|[^A-Za-z0-9_./-])/([h]ome|[w]ork|[r]oot|[U]sers)/' "$file" /dev/null; then
        echo "$file: a path of one machine; use one below the source or the build folder"
        bad=1
    fi
done
exit $bad
