# Points: what ito data says of them, training, tables and plots of samples, plots of what a model does.
ito data rings --set rings=2 --preview rings.png --export rings.csv -n 300
head -1 rings.csv
[ "$(wc -l < rings.csv)" = 301 ]
ito info rings.png --json | grep -c '"kind":"image"'
ito data rings.csv --set label=label --json | sed 's/"offset.*"n_counted/.../'
printf 'height,weight\n180,80\n160,50\n170,65\n190,85\n' > people.csv
ito data people.csv

quick='--steps 4 --batch 8 --threads 1 --quiet --set architecture.hidden_width=16'
ito train rings.csv --data label=label $quick --out model > /dev/null
ito info model | sed -n '1,5p'
grep -c '"_class_name": "MLP"' model/unet/config.json
ito train people.csv $quick --out people --set sample_every=2 > /dev/null
ls people/previews
ito info people/previews/step-00000002.png | head -1

# Samples as tables in the data's own units; the same numbers as numpy's file, and a plot of them.
few='--steps 3 --threads 1 --quiet -n 5'
ito sample people $few --out people/points.csv | sed 's/; .*//'
ito sample people $few --out people/points.npy > /dev/null
sed -n '1p' people/points.csv
[ "$(wc -l < people/points.csv)" = 6 ]
head -c 90 people/points.npy | tail -c 80
echo
[ "$(wc -c < people/points.npy)" = $((128 + 5 * 2 * 8)) ]
tail -c 80 people/points.npy | od -An -v -t f8 -w16 | awk '{ printf "%.6g,%.6g\n", $1, $2 }' > numpy
tail -5 people/points.csv | awk -F, '{ printf "%.6g,%.6g\n", $1, $2 }' | cmp - numpy
awk -F, 'NR > 1 && ($1 < 50 || $1 > 300 || $2 < -80 || $2 > 200) { print "not in the units of the table:", $0 }' people/points.csv
ito sample model $few --label 'ring 1,none' --out labelled.csv > /dev/null
cut -d, -f3 labelled.csv | tr '\n' ' '
echo
ito sample model $few --out plot.png > /dev/null
again=$(ito info plot.png | sed -n 's/^ *command *//p')
$again --threads 1 --quiet --out again.png > /dev/null
cmp plot.png again.png
ito sample model $few --out plot.svg > /dev/null
grep -c '<circle' plot.svg

# Plots, each as PNG and as SVG.
for kind in "forward rings" "reverse model" "paths model" "score mixture"; do
    ito plot $kind --out $(echo $kind | cut -d' ' -f1).svg $(case $kind in *model) echo --steps 3 ;; esac) --threads 1
    ito plot $kind --out plot.png $(case $kind in *model) echo --steps 3 ;; esac) --threads 1 --json
done
ito plot forward rings --times 0,10 -n 4 --out two.svg > /dev/null
grep -c '<circle' two.svg
grep -o '>t = [0-9]*<' two.svg
ito plot score model --times 300 --out model.png

# The learned density, in the table's own units; of a mixture with the exact one beside it.
ito plot density people --grid 6 --out people.svg --threads 1 | sed 's/, [0-9.]* percent/, .../'
grep -c '<rect' people.svg | awk '{ print ($1 > 6 ? "a density" : "nothing") }'
grep -o '>height<\|>weight<\|>[a-z]* density<' people.svg
ito train mixture --data sd=0.3 --data modes=2 $quick --out two > /dev/null
ito plot density two --grid 6 --out density.svg --threads 1 --json | sed 's/, [0-9.]* percent/, .../'
grep -o '>[a-z]* density<' density.svg
ito plot density two --grid 6 --out density.png --threads 1 > /dev/null
ito info density.png --json | grep -c '"kind":"image"'

wrong() {
    status=0
    "$@" > /dev/null 2> error || status=$?
    echo "$status $(head -1 error)"
}
wrong ito sample model --out folder/
wrong ito sample model --trajectory way.png
wrong ito sample model --columns 3
wrong ito data rings --export folder/
wrong ito data rings --preview rings.jpg
wrong ito plot score moons
wrong ito plot density moons
wrong ito plot density model --grid 1
wrong ito plot forward rings --times 0,2000
wrong ito plot forward rings --times 1,x
wrong ito plot reverse nowhere
wrong ito plot forwrd rings
printf '1,2\n3\n' > bad.csv
wrong ito train bad.csv --out bad
