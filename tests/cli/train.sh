# Training tiny models: resuming gives the bits of a run that was not stopped; nothing is overwritten by accident.
tiny='--size 8 --batch 4 --seed 3 --threads 1 --quiet --set warmup=2 --set sample_every=100 --set schedule=constant'
tiny="$tiny --set architecture.block_out_channels=[16,16] --set architecture.attention_head_dim=8"
ito train shapes $tiny --steps 12 --out whole > text
sed 's/, [0-9]* images.*//' text | head -1
ito train shapes $tiny --steps 6 --out parts > /dev/null
ito train shapes $tiny --steps 12 --out parts --resume > /dev/null
cmp whole/unet/diffusion_pytorch_model.safetensors parts/unet/diffusion_pytorch_model.safetensors

fails() {
    wanted=$1
    shift
    status=0
    "$@" > /dev/null 2> error || status=$?
    [ $status = $wanted ] || { echo "$*: status $status"; exit 1; }
    cat error
}
fails 1 ito train shapes $tiny --steps 12 --out whole
fails 1 ito train shapes $tiny --steps 12 --out new --resume
fails 2 ito train shapes $tiny --steps 12 --minutes 1 --out new
fails 2 ito train shapes $tiny --steps 0 --out new
fails 2 ito train shapes $tiny --steps 12 --recipe shpes --out new
fails 2 ito train shapes $tiny --steps 12 --set warmpu=2 --out new
fails 1 ito train nowhere $tiny --steps 12 --out new
[ ! -e new ]

# Memory for time: the same bits under a limit, also when a run goes on under another one.
more="$tiny --batch 64"
ito train shapes $more --steps 4 --out free > /dev/null
ito train shapes $more --steps 2 --out tight --max-memory 9MiB | grep max-memory > text
[ "$(sed 's/[0-9.]* \([KM]iB\)/N \1/g; s/[0-9][0-9]*/N/g' text)" = \
    '  --max-memory: N MiB planned instead of N MiB (N operations run twice, about N % more work)' ]
ito train shapes $more --steps 4 --out tight --max-memory 8.5m --resume > /dev/null
cmp free/unet/diffusion_pytorch_model.safetensors tight/unet/diffusion_pytorch_model.safetensors
fails 1 ito train shapes $more --steps 4 --out new --max-memory 2M | sed 's/[0-9.]* MiB/N MiB/g'
fails 2 ito train shapes $more --steps 4 --out new --max-memory 7X
[ ! -e new ]

# One object a line, the last one the result.
ito train shapes $tiny --steps 4 --out whole --overwrite --json > lines
grep -vc '^{"event":"\(progress\|result\)",.*}$' lines || true
tail -1 lines | sed 's/,"loss".*//'

# Ctrl-C: a checkpoint, status 1, how to go on.
ito train shapes $tiny --steps 1000000 --out long > /dev/null 2> error &
pid=$!
while ! grep -q '"step": 20,' long/log.jsonl 2> /dev/null; do sleep 0.1; done
kill -INT $pid
status=0
wait $pid || status=$?
echo $status
sed 's/after step [0-9]*/after step N/; s/long .*--resume/... --resume/; s/train shapes.*--out/train ... --out/' error
[ -s long/checkpoint/state.safetensors ]
