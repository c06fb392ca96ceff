#!/bin/sh
# Times the two U-Nets that every release is compared on: ddpm-cifar10 (35.7 M parameters) and small (1.6 M). Beside PyTorch
# where PYTHON has torch; otherwise ito alone. BATCH changes the batch of both. Arguments go to bench/compare.
set -eu
ito=${ITO_BUILD_DIR:-build}/ito
python=${PYTHON:-/usr/bin/python3}
[ -x "$ito" ] || { echo "bench: there is no $ito; run make first" >&2; exit 1; }

if "$python" -c 'import torch' 2>/dev/null; then
    exec "$python" bench/compare --ito "$ito" --python "$python" ${BATCH:+--batch "$BATCH"} "$@"
fi
echo "bench: $python has no torch, so ito runs alone; \`sh tools/setup.sh torch\` installs it"
for preset in small ddpm-cifar10; do
    for mode in forward train; do
        "$ito" bench unet --preset $preset ${BATCH:+--batch "$BATCH"} --precision f32 --mode $mode --threads "$(nproc)"
    done
done
