ito > alone
ito help > asked
ito --help > dashes
cmp alone asked
cmp alone dashes
[ "$(wc -l < alone)" -le 20 ]
ito help explain > long
ito explain --help > dashes
cmp long dashes
# Every command of the list has a help of one screen with options and examples.
for command in $(sed -n 's/^  \([a-z]*\) .*/\1/p' alone | grep -v '^ito$'); do
    ito help $command > text
    grep -q '^usage: ito '$command text
    grep -q '^options$' text
    grep -q '^examples$' text
    grep -q '^  ito '$command text
    [ "$(wc -l < text)" -le 50 ] || { echo "$command: more than a screen"; exit 1; }
    [ "$(awk '{ if (length > n) n = length } END { print n }' text)" -le 120 ] || { echo "$command: wide"; exit 1; }
done
