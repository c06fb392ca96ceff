#!/bin/sh
# Behind `make recipes`: trains every image recipe for the same time on the same data, measures, samples, and writes one table. What
# is done is not done again: a run that was stopped, or lacks a number, goes on where it was. Settings are variables:
#   MINUTES (5)   of training for each            DATA (../shared/data/mnist)   to train on; its test part is measured
#   RECIPES       names of built-in recipes       IMAGES (200), NLL_IMAGES (64) images that loss and VLB, and the NLL, are means over
#   OUT (out/recipes)  the models                 DOC (docs/recipes.md)         the table; pictures in images/recipes beside it
set -eu
export LC_ALL=C
ito=${ITO_BUILD_DIR:-build}/ito
minutes=${MINUTES:-5}
data=${DATA:-../shared/data/mnist}
recipes=${RECIPES:-ddpm iddpm iddpm-vlb ncsn ncsnv2 vp-sde subvp-sde ve-sde edm vdm flow}
images=${IMAGES:-200}
nll_images=${NLL_IMAGES:-64}
out=${OUT:-out/recipes}
doc=${DOC:-docs/recipes.md}
pictures=$(dirname "$doc")/images/recipes
most_bytes=60000

# Trains $1 into $2, or goes on with it. A stopped run ends the script: the same command goes on.
train() {
    [ -e "$2/trained" ] && return
    resume=
    [ -e "$2/checkpoint/state.safetensors" ] && resume=--resume
    "$ito" train "$data" --recipe "$1" --minutes "$minutes" --out "$2" $resume >"$2.log"
    printf '%s %s\n' "$minutes" "$data" >"$2/trained"
}

# A finished run with other settings would make a row that does not belong in the table.
check_settings() {
    [ ! -e "$1/trained" ] || [ "$(cat "$1/trained")" = "$minutes $data" ] || {
        echo "recipes: $1 was trained for '$(cat "$1/trained")' (minutes, data), asked for is '$minutes $data':" \
            "set OUT to another folder or remove that one" >&2
        exit 1
    }
}

# What the metric $2 of recipe $1 takes: the bound of the chains that papers score whole, of others a sample of their terms.
settings() {
    case $2,$1 in
    vlb,ddpm | vlb,iddpm*) echo "-n $images --evals 0" ;;
    nll,*) echo "-n $nll_images" ;;
    *) echo "-n $images" ;;
    esac
}

# Each number alone, so that one that a model does not have costs no other.
measure() {
    for metric in loss vlb nll; do
        [ -e "$1/$metric.json" ] && continue
        # shellcheck disable=SC2046 # several words
        if "$ito" eval "$1" "$data" --metrics $metric $(settings "$2" $metric) --json --quiet >"$1/$metric.part" 2>"$1/$metric.log"; then
            mv "$1/$metric.part" "$1/$metric.json"
        else
            rm -f "$1/$metric.part"
            echo "recipes: no $metric of $1: $(head -n 1 "$1/$metric.log")" >&2
        fi
    done
}

# The model's own way of sampling; smaller where the picture takes too many bytes.
draw() {
    [ -e "$1/drawn" ] && [ -e "$2" ] && return
    for scale in 2 1; do
        "$ito" sample "$1" -n 40 --columns 10 --scale $scale --out "$2" --quiet >/dev/null
        [ "$(wc -c <"$2")" -gt $most_bytes ] || break
    done
    [ "$(wc -c <"$2")" -le $most_bytes ] || echo "recipes: $2 has more than $most_bytes bytes" >&2
    : >"$1/drawn"
}

# number FILE METRIC FIELD DIGITS: rounded, with its standard error; a dash where there is none.
number() {
    value=
    [ -e "$1" ] &&
        value=$(sed -n "s/.*\"$2\":{\"$3\":\([-+0-9.e]*\),\"se\":\([-+0-9.e]*\),.*/\1 \2/p" "$1" | head -n 1)
    # shellcheck disable=SC2086 # two words
    if [ -n "$value" ]; then printf "%.$4f ± %.$4f" $value; else printf -- '–'; fi
}

# Images in a second, over all of the training.
speed() {
    tail -n 1 "$1/log.jsonl" |
        sed -n 's/.*"images": *\([0-9]*\),.*"seconds": *\([0-9.]*\).*/\1 \2/p' | awk '{ printf "%.0f", $1 / $2 }'
}

summary() {
    sed -n 's/^  "summary": "\(.*\)",$/\1/p' "recipes/$1.json"
}

row() {
    dir=$out/$1
    printf '| `%s` | %s | %s | %s | %s | %s | ![samples](images/recipes/%s.png) |\n' "$1" "$(summary "$1")" \
        "$(number "$dir/loss.json" loss mean 4)" "$(number "$dir/vlb.json" vlb bits_per_dim 2)" \
        "$(number "$dir/nll.json" nll mean 2)" "$(speed "$dir")" "$1"
}

processor() {
    sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1
}

table() {
    cat <<END
# Recipes

The recipes of the papers beside each other, as \`make recipes\` made them: $minutes minutes of training each on $(basename "$data"), every one
as it ships (\`ito explain NAME\` prints it), $(nproc) threads on $(processor). Labels are hidden while a model is measured: loss
is the mean squared error of what it predicts, so comparable only between the same predictions; VLB and NLL are bits per dimension, with
standard errors, over the same $images ($nll_images for the NLL) test images; the VLB has every timestep of ddpm and iddpm, of others 50 an
image. A dash: the model has no such number. Every row has the same network; where another load shares the machine, images/s
vary between rows. What the numbers say is in [results.md](results.md).

| recipe | what it is | loss | VLB | NLL | images/s | samples, one column a label |
|---|---|--:|--:|--:|--:|---|
END
    for recipe in $recipes; do row "$recipe"; done
}

[ -x "$ito" ] || { echo "recipes: there is no program at $ito; run make first" >&2; exit 1; }
mkdir -p "$out" "$pictures"
for recipe in $recipes; do
    [ -e "recipes/$recipe.json" ] || { echo "recipes: there is no recipes/$recipe.json" >&2; exit 1; }
    check_settings "$out/$recipe"
done
for recipe in $recipes; do
    echo "$recipe -> $out/$recipe"
    train "$recipe" "$out/$recipe"
    measure "$out/$recipe" "$recipe"
    draw "$out/$recipe" "$pictures/$recipe.png"
done
table >"$doc.part"
mv "$doc.part" "$doc"
echo "$doc"
