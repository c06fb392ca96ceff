#!/bin/sh
# Measures what every release is compared on: the table of bench/compare where PYTHON has torch, otherwise ito alone on the
# two U-Nets, ddpm-cifar10 (35.7 M parameters) and small (1.6 M). Arguments go to bench/compare.
set -eu
ito=${ITO_BUILD_DIR:-build}/ito
python=${PYTHON:-/usr/bin/python3}
[ -x "$ito" ] || { echo "bench: there is no $ito; run make first" >&2; exit 1; }

if "$python" -c 'import torch' 2>/dev/null; then
    exec "$python" bench/compare --ito "$ito" --python "$python" "$@"
fi
echo "bench: $python has no torch, so ito runs alone; \`sh tools/setup.sh torch\` installs it"
for preset in small ddpm-cifar10; do
    for mode in forward train; do
        "$ito" bench unet --preset $preset --precision f32 --mode $mode --threads "$(nproc)"
    done
done
