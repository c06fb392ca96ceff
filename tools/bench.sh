#!/bin/sh
# Times the two U-Nets that every release is compared on: ddpm-cifar10 (35.7 M parameters) and small (1.6 M).
set -eu
ito=${ITO_BUILD_DIR:-build}/ito
[ -x "$ito" ] || { echo "bench: there is no $ito; run make first" >&2; exit 1; }
for preset in small ddpm-cifar10; do
    for mode in forward train; do
        "$ito" bench unet --preset $preset --batch "${BATCH:-8}" --precision f32 --mode $mode --threads "$(nproc)"
    done
done
