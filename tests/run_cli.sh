#!/bin/sh
# Runs one case of tests/cli: NAME.sh, in a temporary folder of its own, with `ito` on the path. Beside it may lie
#   NAME.sh.exit          the exit status (0 without it)
#   NAME.sh.stdout.exact  what standard output must be; .stderr.exact likewise
#   NAME.sh.stdout.glob   the same with a shell pattern for every line; .stderr.glob likewise
set -eu
case=$(realpath "$1")
build=$(realpath "${ITO_BUILD_DIR:-build}")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/work"
cd "$place/work"
bad=0

bin=$build
if [ -n "${ITO_EMULATOR:-}" ]; then # a program of another processor
    bin=$place/bin
    mkdir "$bin"
    printf '#!/bin/sh\nexec %s %s/ito "$@"\n' "$ITO_EMULATOR" "$build" >"$bin/ito"
    chmod +x "$bin/ito"
fi

status=0
PATH="$bin:$PATH" sh -eu "$case" >"$place/stdout" 2>"$place/stderr" </dev/null || status=$?
expected=0
[ ! -f "$case.exit" ] || expected=$(cat "$case.exit")
[ "$status" = "$expected" ] || { echo "exit status $status, expected $expected"; bad=1; }

# Every line of $1 against the pattern in the same line of $2.
globs_match() {
    [ "$(wc -l <"$1")" = "$(wc -l <"$2")" ] || { echo "lines: $(wc -l <"$1"), expected $(wc -l <"$2")"; return 1; }
    while IFS= read -r pattern <&3; do
        IFS= read -r line
        # shellcheck disable=SC2254 # it is a pattern on purpose
        case $line in
        $pattern) ;;
        *) echo "line    $line"; echo "pattern $pattern"; return 1 ;;
        esac
    done <"$1" 3<"$2"
}

for stream in stdout stderr; do
    if [ -f "$case.$stream.exact" ]; then
        diff -u "$case.$stream.exact" "$place/$stream" || { echo "$stream differs"; bad=1; }
    fi
    if [ -f "$case.$stream.glob" ]; then
        globs_match "$place/$stream" "$case.$stream.glob" || { echo "$stream does not match"; bad=1; }
    fi
done
[ $bad = 0 ] || { echo "--- stdout"; cat "$place/stdout"; echo "--- stderr"; cat "$place/stderr"; }
exit $bad
