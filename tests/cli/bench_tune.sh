# Tuning: what was tried, a plan, and every command that compiles a network taking it.
tiny='--size 8 --batch 4 --seed 3 --steps 2 --threads 1 --quiet --set architecture.attention_head_dim=8'
tiny="$tiny --set architecture.block_out_channels=[16,16]"
ito train shapes $tiny --out model > /dev/null
ito bench tune model --mode both --batch 4 --repeats 1 --threads 1 --quiet --out plan.json > text
grep -q '^conv2d .* x 4x8x8x16, .* direct' text
sed -n 's/: [0-9]* problems, [1-9][0-9]* measured, [0-9]* changed.*/: N problems, N measured .../p; s/ [0-9]* problems, for/ N problems, for/p' text
grep -c '"conv2d .* frozen": "' plan.json > frozen
grep -c '"conv2d_grad_weight ' plan.json > trained
[ "$(cat frozen)" -gt 3 ] && [ "$(cat trained)" -gt 3 ]

# What --plan names is not measured again: the second run only adds another batch.
ito bench tune model --mode forward --batch 4 --repeats 1 --threads 1 --plan plan.json --out same.json |
    sed '/the changed kernels/d; s/[0-9]* problems/N problems/; s/, [0-9]* changed.*//'
cmp plan.json same.json
ito bench tune model --mode forward --batch 2 --repeats 1 --threads 1 --plan plan.json --out more.json --json > lines
for key in problem table chosen mode; do grep -q '^{"event":"problem",.*"'$key'":"[^"]' lines; done
for key in ms ms_min ratio difference; do grep -q '^{"event":"problem",.*"trials":\[{.*"'$key'":[0-9]' lines; done
for key in problems measured changed gain batch; do grep -q '^{"event":"network",.*"'$key'":[0-9]' lines; done
tail -1 lines | sed 's/[0-9][0-9]*/N/'
[ "$(wc -l < more.json)" -gt "$(wc -l < plan.json)" ]

# The plan decides, where it names what is computed: two guided images are a batch of four.
sed 's/\("conv2d .* frozen": \)"[^"]*"/\1"ref"/' plan.json > ref.json
ito bench model model --batch 4 --repeats 1 --threads 1 --steps --plan ref.json | grep -c '^conv2d  *ref ' > decided
[ "$(cat decided)" -gt 3 ]
sample='ito sample model --steps 2 --threads 1 --label circle,ring'
$sample -n 2 --plan ref.json --out images.png 2> error > /dev/null
! grep decided error
ito info images.png | grep -o -e '--plan ref.json'
$sample -n 3 --plan ref.json --out images.png 2>&1 > /dev/null | grep decided
ito train shapes $tiny --plan plan.json --out planned > /dev/null
ito train shapes --size 8 --task classifier --steps 2 --batch 4 --threads 1 --quiet --out classifier > /dev/null
ito eval model --classifier classifier -n 4 --steps 2 --threads 1 --plan plan.json --quiet > /dev/null
ito eval classifier shapes -n 4 --threads 1 --plan plan.json 2>&1 > /dev/null | grep -c decided

wrong() {
    status=0
    "$@" > /dev/null 2> error || status=$?
    echo "$status $(head -1 error | sed 's/(the problem is.*//; s/with [a-z0-9]*:/with ...:/')"
}
sed 's/"ref"/"abacus"/' ref.json > abacus.json
sed 's/"instruction_set": "[a-z0-9]*"/"instruction_set": "mmx"/' plan.json > mmx.json
wrong ito bench tune model --mode both --plan nowhere.json
wrong ito bench tune model --mode backward
wrong ito bench tune model --repeats 1 --out no/such/plan.json --mode forward --batch 1 --threads 1
wrong ito bench tune nowhere
wrong ito bench tune --preset large
wrong ito bench tune model more
for command in 'bench tune model --mode forward' 'bench model model' 'sample model --quiet' 'eval model shapes --quiet' \
    'train shapes --size 8 --steps 1 --quiet --out new'; do
    wrong ito $command --plan mmx.json
done
wrong $sample -n 2 --quiet --plan abacus.json
