#!/bin/sh
# The demo behind `make demo`: train on the built-in shapes for DEMO_MINUTES, sample from the averaged weights, draw.
set -eu
ito=${ITO_BUILD_DIR:-build}/ito
minutes=${DEMO_MINUTES:-3}
out=${DEMO_OUT:-out/demo}
model=$out/model

# What the demo runs, one function a step.
train()    { "$ito" train shapes --size 16 --minutes "$minutes" --out "$model"; }
sample()   { "$ito" sample "$model" -n 40 --sampler ddim --steps 50 --out "$out/samples.png" \
                 --trajectory "$out/denoising.png"; }
forward()  { "$ito" plot forward shapes --out "$out/forward.png"; }
loss()     { "$ito" plot loss "$model" --out "$out/loss.png"; }
score()    { "$ito" eval "$model" shapes; }
show()     { "$ito" show "$out/samples.png"; }

[ -x "$ito" ] || { echo "demo: there is no program at $ito; run make first" >&2; exit 1; }
rm -rf "$out"
mkdir -p "$out"
started=$(date +%s)

echo "1/4  one image at eight noise levels -> $out/forward.png"
forward
echo "2/4  training on the built-in shapes for $minutes minutes -> $model"
train
echo "3/4  sampling a labelled grid from the averaged weights, 50 DDIM steps -> $out/samples.png"
sample
loss
echo "4/4  reading the shapes back from new samples"
score
[ -t 1 ] && show

cat <<END

Done in $(($(date +%s) - started)) seconds. In $out:
    model/          the trained model, a diffusers-style directory
    samples.png     one column a label
    denoising.png   the way from noise to some of the samples
    forward.png     one image on its way to noise
    loss.png        the training loss

Try next:
    $ito sample $model -n 16 --label circle --steps 20 --out circles.png
    $ito train shapes --size 32 --minutes 20 --out out/shapes32
    $ito explain ddim
END
