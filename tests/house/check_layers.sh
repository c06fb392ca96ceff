#!/bin/sh
# Includes go only along the layer table of docs/architecture.md: | `folder/` | what it holds | what it may include |
# A folder's row is the longest that matches; it may include itself. <ito/NAME.h> counts as the folder NAME/ where src/ has
# one. The list that base/axis.h includes on behalf of a file counts where the file names it. Rows that say "public headers
# only" may include nothing of src/ but themselves, without a folder.
set -eu
table=docs/architecture.md
{
    sed -n 's/^| *\(`[a-z0-9/]*\/`.*\)|$/row|\1/p' "$table"
    find src include -name '*.[ch]' -exec grep -nHE '^[[:blank:]]*#[[:blank:]]*(include|define ITO_CHOICE_LIST) *[<"]' {} + |
        sed -E 's/^([^:]*):([0-9]+):[^<"]*([<"])([^">]*).*/use|\1|\2|\3|\4/'
} | awk -F'|' '
function trim(s) { gsub(/^ +| +$/, "", s); return s }
# the longest row of which path is in
function owner(path, best, folder) {
    best = ""
    for (folder in allowed)
        if (index(path, folder "/") == 1 && length(folder) > length(best)) best = folder
    return best
}
function complain(what) { printf "%s:%s: %s\n", $2, $3, what; bad = 1 }

$1 == "row" {
    n = split($2, folders, ",")
    for (i = 1; i <= n; i++) {
        gsub(/[` ]/, "", folders[i])
        sub(/\/$/, "", folders[i])
        allowed[folders[i]] = trim($4)
        rows++
    }
    next
}
{
    path = $2
    if (sub(/^include\/ito\//, "", path)) sub(/\.h$/, "/", path)
    else sub(/^src\//, "", path)
    from = owner(path)
    target = $5
    if ($4 == "<") {
        if (!sub(/^ito\//, "", target)) next
        sub(/\.h$/, "/", target)
        if (from == "" || allowed[from] == "public headers only") next
        to = owner(target)
        if (to == "") next
    } else {
        if (target !~ /\// && allowed[from] == "public headers only") next # its own: nothing of src/ is on its path
        if (target !~ /\//) { complain("\"" target "\": write the folder too, as in \"base/base.h\""); next }
        to = owner(target)
        if (to == "") { complain("\"" target "\": its folder has no row in '"$table"'; add one"); next }
    }
    checked++
    if (from == "") {
        if ($2 !~ /^include\//) complain("its folder has no row in '"$table"'; add one")
        next
    }
    n = split(allowed[from], list, / *, */)
    ok = from == to
    for (i = 1; i <= n; i++) if (list[i] == to) ok = 1
    if (!ok) complain(from "/ may not include " to "/; allowed: " allowed[from])
}
END {
    if (!rows || !checked) { print "the table or the sources could not be read"; exit 1 }
    printf "%d rows, %d includes checked\n", rows, checked
    exit bad
}'
