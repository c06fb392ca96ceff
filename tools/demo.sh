#!/bin/sh
# The demo behind `make demo`: train on the built-in shapes for DEMO_MINUTES, sample from the averaged weights, draw.
set -eu
ito=${ITO_BUILD_DIR:-build}/ito
minutes=${DEMO_MINUTES:-3}
out=${DEMO_OUT:-out/demo}
model=$out/model

# What the demo runs, one function a step.
forward()  { "$ito" plot forward shapes --size 16 --out "$out/forward.png"; }
train()    { "$ito" train shapes --size 16 --minutes "$minutes" --out "$model"; }
sample()   { "$ito" sample "$model" -n 36 --sampler ddim --steps 50 --out "$out/samples.png" \
                 --trajectory "$out/denoising.png"; }
loss()     { "$ito" plot loss "$model" --out "$out/loss.svg"; }
score()    { "$ito" eval "$model" shapes -n 200; }

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

cat <<END

Done in $(($(date +%s) - started)) seconds. In $out:
    model/          the trained model, a diffusers-style directory
    samples.png     one column a label
    denoising.png   the way from noise to some of the samples
    forward.png     one image on its way to noise
    loss.svg        the training loss

Try next:
    $ito sample $model -n 16 --label circle --steps 20 --out circles.png
    $ito train shapes --size 32 --minutes 20 --out out/shapes32
    $ito explain ddim
END
