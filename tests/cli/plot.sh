mkdir run
# A log whose last line was cut off.
printf '{"step": 1, "loss": 0.5, "rate": 1e-3}\n{"step": 2, "loss": 0.25, "rate": 2e-3}\n{"st' > run/log.jsonl
ito plot loss run --out loss.svg
ito plot loss run --value rate --out rate.svg --json
grep -c '^<svg' loss.svg
ito plot forward shapes --size 16 --process vp-linear --index 3 --out forward.png
ito info forward.png --json | grep -c '"kind":"image"'
ito plot forward shapes --size 16 --process vp-linear --set T=10 --out ten.png
ito plot forward shapes --size 16 --recipe ddpm-cifar10 --out recipe.png --index 3
cmp forward.png recipe.png # the recipe's process is vp-linear
status=0
ito plot loss nowhere 2> error || status=$?
[ $status = 1 ]
ito plot loss run --out loss.jpg 2> error || status=$?
[ $status = 2 ]
head -1 error
ito plot loss run --out loss.png --scale 1
ito info loss.png --json | grep -o '"width":[0-9]*,"height":[0-9]*'
