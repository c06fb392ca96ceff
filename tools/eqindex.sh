#!/bin/sh
# Makes docs/equations.md from the equation tags of the sources:  tools/eqindex.sh > docs/equations.md
#
# A tag is a comment  /* EQ[key:number] = EQ[key:number]  statement */  on the line above the code that computes it, and
# may run over several lines. Tests name the equations that they check by EQ[key:number] in a comment, inside a test
# function or right above it. Functions are named, not lines, so that the index does not go stale by itself.
set -e
cd "$(dirname "$0")/.."
LC_ALL=C
export LC_ALL

# One line for each tag: what (code or test), key, file:function, statement; separated by tabs.
tags() {
    # shellcheck disable=SC2046
    awk '
    function name_of(line,   parts) { # of the function or object whose definition starts with this line
        sub(/ = \{?$/, "", line)
        sub(/[(\[].*/, "", line)
        sub(/[ ;]+$/, "", line)
        n = split(line, parts, /[ *]+/)
        return parts[n]
    }
    function flush(   rest, key, statement) {
        statement = text
        gsub(/^.*EQ\[[^]]*\]:?/, "", statement)
        gsub(/^[ ,;:]+|[ ]+$/, "", statement)
        gsub(/\|/, "\\|", statement)
        for (rest = text; match(rest, /EQ\[[^]]*\]/); rest = substr(rest, RSTART + RLENGTH)) {
            key = substr(rest, RSTART + 3, RLENGTH - 4)
            if (above) waiting = waiting what "\t" key "\t" FILENAME "\t" statement "\n"
            else print what "\t" key "\t" FILENAME ":" current "\t" statement
        }
        text = ""
    }
    FNR == 1 { what = FILENAME ~ /^tests/ ? "test" : "code"; current = "-"; text = waiting = "" }
    text == "" && /^[A-Za-z_]/ && !/;$/ {
        current = name_of($0)
        if (waiting != "") {
            n = split(waiting, lines, "\n")
            for (i = 1; i < n; i++) {
                split(lines[i], part, "\t")
                print part[1] "\t" part[2] "\t" part[3] ":" current "\t" part[4]
            }
            waiting = ""
        }
    }
    text == "" && /\/\*.*EQ\[/ { above = /^\/\*/; text = $0; sub(/^.*\/\*[ ]*/, "", text) }
    text != "" {
        if (text_line != FNR && started) { line = $0; sub(/^[ ]*\*?[ ]?/, "", line); text = text " " line }
        started = 1
        if (text ~ /\*\//) { sub(/[ ]*\*\/.*/, "", text); flush(); started = 0 }
    }
    ' $(find src tests -name '*.[ch]' | sort)
}

# key:number in an order that people expect: by key, then by number, sections and appendices behind.
sorted() {
    awk -F '\t' '{ split($2, k, ":"); n = k[2] ~ /^[0-9]/ ? sprintf("%08.2f", k[2]) : "9" k[2]; print k[1] "\t" n "\t" $0 }' |
        sort -t "$(printf '\t')" -k1,1 -k2,2 -k5,5 | cut -f 3-
}

cat <<'END'
# Equations

Made by `tools/eqindex.sh` from the tags in the sources; do not edit. Keys are those of `docs/references.md`; what the
survey numbers and nothing computes yet is in `docs/equations_open.txt`.

| equation | statement | computed in | tested in |
|---|---|---|---|
END

tags | sorted | awk -F '\t' '
    $1 == "test" { sub(/^tests\//, "", $3); tests[$2] = tests[$2] (tests[$2] == "" ? "" : ", ") "`" $3 "`"; next }
    { sub(/^src\//, "", $3); row[++n] = $2; statement[n] = $4; where[n] = $3 }
    END {
        for (i = 1; i <= n; i++)
            printf "| %s | %s | `%s` | %s |\n", row[i], statement[i], where[i], tests[row[i]] == "" ? "–" : tests[row[i]]
    }'
