#!/bin/sh
# Files have at most 600 lines and functions at most 70: what does not fit on a page or two is several ideas.
# The exceptions, one a line: FILE or FILE:FUNCTION, then the reason.
set -eu
exceptions='
'
find src include tests examples tools -name '*.c' -o -name '*.h' -o -name '*.sh' -o -name '*.py' | sort |
    xargs awk -v exceptions="$exceptions" '
function excused(name) { return index(exceptions, "\n" name " ") }
function close_file() {
    if (lines > 600 && !excused(file)) { printf "%s: %d lines, at most 600\n", file, lines; bad = 1 }
}
FNR == 1 { close_file(); file = FILENAME; name = ""; start = 0; n++ }
{ lines = FNR }
# The head of a function starts in column 0 and ends in the line before its brace.
/^[a-z].*\(/ { head = $0; head_line = FNR }
/^{$/ && head_line { start = head_line; match(head, /[A-Za-z0-9_]+\(/); name = substr(head, RSTART, RLENGTH - 1) }
/^}$/ && start {
    if (FNR - start + 1 > 70 && !excused(file ":" name)) {
        printf "%s:%d: %s has %d lines, at most 70\n", file, start, name, FNR - start + 1
        bad = 1
    }
    functions++
    start = head_line = 0
}
END {
    close_file()
    printf "%d files, %d functions\n", n, functions
    exit bad || !functions
}'
