# Loss, bound and likelihood of a denoiser: of points, where everything is quick, and what is refused.
ito train moons --recipe points --steps 3 --set batch=8 --set process.T=20 --threads 1 --quiet --out points > /dev/null
numbers='s/[0-9][0-9]*\.[0-9]*/N/g; s/N (.* to .*N)/N (N to N)/; s/ -N/ N/g; s/, [0-9]* evaluations/, E evaluations/'
ito eval points moons --metrics loss,vlb,nll,rate-distortion -n 4 --evals 0 --threads 1 --quiet | sed "$numbers" | head -4
ito eval points moons --metrics loss,vlb,nll -n 4 --evals 5 --threads 1 --quiet --json |
    grep -c '"n":4,"loss":{"mean":.*"vlb":{"bits_per_dim":.*"terms":\[{"t":.*"rate":.*"nll":{"mean":.*"nfe":'
# the variance of the bound's steps
for v in '' '--variance fixed_small' '--variance fixed_large'; do
    ito eval points moons --metrics vlb -n 4 --evals 0 $v --threads 1 --quiet --json
done | sed 's/.*"bits_per_dim":\([^,]*\),.*\("variance":"[a-z_]*"\).*/\1 \2/' |
    awk '{ print $2, $1 == first ? "the same" : "another"; if (NR == 1) first = $1 }'
ito eval points moons --metrics vlb -n 4 --plot terms.svg --threads 1 --quiet > /dev/null
grep -c 'terms of the variational bound' terms.svg
ito eval points moons --metrics rate-distortion -n 4 --plot new/rate.png --threads 1 --quiet > /dev/null
ito info new/rate.png | head -1
# the same numbers in other batches
for b in 1 4; do ito eval points moons --metrics loss,vlb,nll -n 4 --batch $b --threads 1 --quiet --json > batch$b; done
cmp batch1 batch4 && echo same
ito train shapes --size 8 --batch 4 --steps 2 --threads 1 --quiet --out images \
    --set architecture.block_out_channels=[16,16] --set architecture.attention_head_dim=8 > /dev/null
ito eval images shapes --data rounded=true --metrics vlb -n 2 --evals 3 --threads 1 --quiet | grep -c bits
for bad in 'points moons --metrics bits' 'points --metrics vlb' 'points moons --metrics loss --plot x.svg' \
    'points moons --metrics vlb --plot x.pdf' 'points moons --metrics vlb --evals 1' \
    'points moons --metrics vlb --variance fixed-large' 'points moons --metrics vlb --variance learned_range' \
    'images shapes --metrics nll -n 2'; do
    ito eval $bad --threads 1 --quiet 2>&1 | head -1 || true
done
