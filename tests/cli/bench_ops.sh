ito bench peak --json > peak
for key in l2_gbytes l3_gbytes memory_gbytes generic; do grep -q '"'$key'":[0-9]' peak; done
ito bench ops --filter group_norm --sizes small --repeats 1 --json > rows
for op in group_norm group_norm_grad; do grep -q '"op":"'$op'"' rows; done
for key in ms flops bytes gflops gbytes roof_ms share; do grep -q '"'$key'":[0-9]' rows; done
for key in name pass algorithm shape bound; do grep -q '"'$key'":"[^"]' rows; done
ito bench ops --filter 'resample/upsample x2' --sizes small --backend ref --repeats 1 | awk '$2 == "x2" { print $3, $4, $5 }'
ito bench conv --filter '64 ch 32x32, batch 1' --algorithm all --algorithm ref --repeats 1 --threads 1 > conv
for pair in 'conv2d *winograd4 *forward' 'conv2d *direct *forward' 'conv2d_grad_input *direct *backward' \
    'conv2d_grad_weight *ref *backward'; do
    grep -q "batch 1 *$pair" conv
done
ito bench unet --sweep batch --size 8 --repeats 1 --json | sed 's/.*"batch":\([0-9]*\),"height":\([0-9]*\).*/\1 \2/'
for wrong in 'ops --filter nothing' 'ops --sizes huge' 'conv --algorithm none' 'conv --repeats 0' 'peak here' 'model' 'model none' 'x'; do
    status=0
    ito bench $wrong > /dev/null 2> error || status=$?
    [ -s error ]
    echo "$wrong: $status"
done

# A model's own network, layer by layer, trained as it would be.
ito train shapes --size 8 --batch 4 --steps 1 --threads 1 --quiet --out model \
    --set architecture.block_out_channels=[16,16] --set architecture.attention_head_dim=8 > /dev/null
ito bench model model --mode train --batch 2 --steps --repeats 1 --threads 1 > layers
grep -q '^conv2d_grad_weight .*backward .*down_blocks.0.resnets.0.conv1$' layers
grep -q '^optimizer .*update' layers
grep -q 'the roofs allow' layers
sed -n 's/^\(model, train, batch 2, 8x8\).*/\1/p' layers
