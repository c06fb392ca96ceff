# Sampling: grids, single files, the way there; what is written in a picture makes the picture again.
ito train shapes --size 8 --batch 4 --steps 4 --threads 1 --quiet --out model \
    --set architecture.block_out_channels=[16,16] --set architecture.attention_head_dim=8 > /dev/null
ito info model | head -5
ito info model --json | grep -c '"record":{.*"steps":4,'
quick='--steps 4 --threads 1 --quiet'
ito sample model $quick --set eta=0.5 --seed 9 --scale 2 --out grid.png --trajectory way.png | sed 's/; .*//'
ito info grid.png | sed '/training/d'
again=$(ito info grid.png | sed -n 's/^ *command *//p')
$again --threads 1 --quiet --out again.png > /dev/null
cmp grid.png again.png
ito info way.png | head -1

# Times by a spacing's options, or one by one, with a sampler that keeps estimates.
for times in '--steps 6 --spacing sections --spacing-set counts=1,2,3' '--times 900,500.5,20'; do
    ito sample model -n 2 --threads 1 --quiet --sampler dpmpp-2m $times --out times.png > /dev/null
    again=$(ito info times.png | sed -n 's/^ *command *//p')
    echo "$again" | grep -o -e '--sampler.*--clip'
    $again --threads 1 --quiet --out again.png > /dev/null
    cmp times.png again.png
done
ito info times.png | grep '^  \(times\|steps\|spacing\)'

# Image 2 of a seed, alone or among others.
ito sample model $quick -n 4 --label circle,5,none --out each/ --json | sed 's/,"seconds".*//'
again=$(ito info each/000002.png | sed -n 's/^ *command *//p')
$again --threads 1 --quiet --out alone/ > /dev/null
cmp each/000002.png alone/000002.png
ls each
ito sample model $quick -n 5 --label ring --exact --out exact/ > /dev/null
ito sample model $quick -n 5 --label ring --precision bf16 --out half.png > /dev/null
ito info half.png | grep -o -e '--precision bf16'
again=$(ito info exact/000003.png | sed -n 's/^ *command *//p')
echo "$again" | grep -o -e '--exact'
$again --threads 1 --quiet --out alone/ > /dev/null
cmp exact/000003.png alone/000003.png

# Steps of each image's own, and how many evaluations they took.
ito sample model --threads 1 --quiet -n 4 --sampler rk45 --steps 1 --set rtol=1e-2 --out adaptive.png | sed -n 's/^[0-9.]* \(eval.*at most\) [0-9]*$/\1/p'
ito sample model $quick -n 4 --out adaptive.png --json | grep -o '"mean_evals":4,"most_evals":4'

# Between the noises of two seeds; and the other way, to the noise of an image, and back.
ito sample model $quick --interpolate 1,2 -n 5 --out between.png | sed 's/; .*//'
again=$(ito info between.png | sed -n 's/^ *command *//p')
echo "$again" | grep -o -e '--interpolate 1,2'
$again --threads 1 --quiet --out again.png > /dev/null
cmp between.png again.png
ito sample model $quick --encode each/000002.png --out noise.npy | sed 's/, root.*//'
wc -c < noise.npy
ito sample model $quick --encode shapes -n 3 --out both.png | sed 's/, [0-9.e-]* apart.*//'
ito info both.png | head -1

wrong() {
    status=0
    "$@" 2> error || status=$?
    echo "$status $(head -1 error)"
}
wrong ito sample model --label rign
wrong ito sample model --sampler dimm | sed 's/ There are.*//'
wrong ito sample model --times 900,many
wrong ito sample model --times 900,500 --steps 2
wrong ito sample model --times 500,900 -n 1
wrong ito sample model --spacing sections --spacing-set counts=1,2 --steps 4 -n 1
wrong ito sample model --set eat=1
wrong ito sample model --sampler ddpm --set variance=learned_range
wrong ito sample model -n 0
wrong ito sample model --precision f16
wrong ito sample nowhere
wrong ito sample model --interpolate 1
wrong ito sample model --interpolate 1,2 --out each/
wrong ito sample model --encode each/000002.png --sampler ddpm
wrong ito sample model --encode shapes --out noise.csv
