#!/bin/sh
# Equations: docs/equations.md is what tools/eqindex.sh makes of the tags, every tag's key is in docs/references.md, and
# every numbered equation of the survey is either computed (and tested) or listed as open, never both.
set -u
failed=0
complain() {
    echo "$@"
    failed=1
}

made=$(mktemp)
trap 'rm -f "$made"' EXIT
tools/eqindex.sh >"$made"
cmp -s "$made" docs/equations.md || complain "docs/equations.md is stale: run tools/eqindex.sh > docs/equations.md"

for key in $(grep -rhoE 'EQ\[[^]]*\]' src tests --include='*.[ch]' | sed 's/EQ\[//; s/:.*//; s/\]//' | sort -u); do
    [ "$key" = "%s" ] && continue # a format string of a test
    grep -q "^| \`$key\` |" docs/references.md || complain "EQ[$key:...]: docs/references.md has no key '$key'"
done

survey="1 2 3 4 4.2 5 5.2 6 7 8.1 8.2 8.3"
i=9
while [ $i -le 34 ]; do
    survey="$survey $i"
    i=$((i + 1))
done
for number in $survey; do
    computed=$(grep -cF "| survey:$number |" "$made")
    open=$(grep -cE "^survey:$number " docs/equations_open.txt)
    [ "$computed" -gt 0 ] && [ "$open" -gt 0 ] &&
        complain "survey:$number has a function now: take it out of docs/equations_open.txt"
    [ "$computed" -eq 0 ] && [ "$open" -eq 0 ] &&
        complain "survey:$number is neither tagged in src/ nor listed in docs/equations_open.txt"
    grep -F "| survey:$number |" "$made" | grep -q '| – |$' && complain "survey:$number is computed but no test names it"
done
for number in $(sed -n 's/^survey:\([^ ]*\).*/\1/p' docs/equations_open.txt); do
    case " $survey " in
    *" $number "*) ;;
    *) complain "docs/equations_open.txt: the survey has no equation $number" ;;
    esac
done
[ $failed -eq 0 ] && echo "$(grep -c '^| [a-z0-9]*:' "$made") rows"
exit $failed
