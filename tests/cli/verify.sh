ito verify --quick --sampler ddim,ddpm > table
grep -c '^## ' table
sed -n 's/^| `ddim` | 1 | \([01]\)\.[0-9]* | .* | 1 | \([01]\)\.[0-9]* | .*/ddim: order 1/p' table
ito verify --quick --sampler ddim --out docs/page.md
sed -n '1p' docs/page.md
grep -c 'ito verify --quick --sampler ddim --out docs/page.md' docs/page.md
ito verify --quick --sampler ddim --json | sed 's/:[0-9.e+-]*\([,}]\)/:N\1/g'

# A model, whatever it has learned.
ito train shapes --size 8 --batch 4 --steps 1 --threads 1 --quiet --out model \
    --set architecture.block_out_channels=[16,16] --set architecture.attention_head_dim=8 > /dev/null
ito verify model -n 2 --steps 2,4 --reference 8 --threads 1 --sampler ddim --plot error.svg | sed 's/[0-9.]* |$/E |/'
ito verify model -n 2 --steps 8 --reference 8 --threads 1 --sampler ddim --json # the same run
grep -c 'evaluations of the network' error.svg
for wrong in '--sampler dmid' 'model --steps 5,x' 'model --reference 1' 'model --spacing trialing' 'nowhere'; do
    status=0
    ito verify $wrong > /dev/null 2> error || status=$?
    echo "$wrong: $status"
    sed '1s/?.*/?/;q' error
done
