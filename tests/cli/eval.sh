# Scores: a classifier on data, samples read by a classifier and by the reader of shapes.
ito train shapes --size 8 --batch 4 --steps 4 --threads 1 --quiet --out model \
    --set architecture.block_out_channels=[16,16] --set architecture.attention_head_dim=8 > /dev/null
ito train shapes --task classifier --size 8 --batch 16 --steps 20 --threads 1 --quiet --out classifier > text
sed 's/, accuracy [0-9.]* on held-out data/, accuracy A on held-out data/; s/, loss.*accuracy/ accuracy/; s/;.*//' text | head -1
ito eval classifier shapes -n 128 --threads 1 --json | sed 's/"accuracy":[01][0-9.]*,"cross_entropy":[0-9.]*/NUMBERS/; s/,"classes".*//'
ito eval classifier shapes -n 64 --threads 1 --confusion | wc -l
quick='--steps 4 --threads 1 --quiet -n 12'
ito eval model --classifier classifier $quick | sed 's/: [0-9.]* %/: N %/' | head -1
ito eval model shapes $quick | sed 's/: [0-9.]* %/: N %/; s/[0-9.]* %)/N %)/' | head -1
ito eval model shapes $quick --json | grep -c '"score":.*"chance":.*"reader_on_real":'
status=0
ito eval model $quick 2> error || status=$?
echo $status
