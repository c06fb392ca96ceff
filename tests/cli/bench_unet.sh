for mode in forward train; do
    ito bench unet --preset small --batch 1 --repeats 1 --precision f32 --mode $mode --threads 1 --json > line
    for key in ms images_per_s gflops peak_bytes; do grep -q '"'$key'":[0-9]' line; done
done
ito bench unet --batch 8 --mode train --repeats 1 --max-memory 70M --steps > text
grep -q '^group_norm .* recomputed' text
tail -1 text | grep -q ' planned instead of .* operations run twice'
ito bench unet --batch 8 --mode train --repeats 1 --precision bf16 > text
grep -q ' bf16, .* planned instead of ' text
ito bench unet --batch 1 --repeats 1 --precision bf16 | grep -q ' bf16, '
ito bench unet --precision f16 2>&1 | head -1
ito bench unet --batch 1 --repeats 1 --threads 1 --steps | grep -c '^conv2d ' > count
[ "$(cat count)" -gt 10 ]
status=0
ito bench unet --preset smal 2> error || status=$?
echo $status
