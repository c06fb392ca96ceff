# Sampling by a scheduler of diffusers: a file's, and that of a model that has no record of ito's.
ito train shapes --size 8 --batch 4 --steps 4 --threads 1 --quiet --out model \
    --set architecture.block_out_channels=[16,16] --set architecture.attention_head_dim=8 > /dev/null
quick='-n 3 --steps 4 --threads 1 --quiet'
cat > dpm.json <<'END'
{
  "_class_name": "DPMSolverMultistepScheduler",
  "_diffusers_version": "0.42.1",
  "beta_schedule": "squaredcos_cap_v2",
  "prediction_type": "v_prediction",
  "lambda_min_clipped": -Infinity,
  "algorithm_type": "sde-dpmsolver++",
  "use_karras_sigmas": true
}
END
ito sample model $quick --scheduler dpm.json --seed 5 --out one.png | sed 's/; .*//'
ito info one.png | sed '/training/d'
again=$(ito info one.png | sed -n 's/^ *command *//p')
$again --threads 1 --quiet --out again.png > /dev/null
cmp one.png again.png
echo '{"_class_name": "PNDMScheduler", "skip_prk_steps": true}' > pndm.json
ito sample model $quick --scheduler pndm.json --out two.png --trajectory way.png | sed 's/; .*//'

# Nothing says who made the model: its own scheduler samples, unless another sampler is asked for.
rm model/ito.json
ito sample model $quick --out three.png | sed 's/; .*//'
ito info three.png | sed -n 's/^ *command *//p'
ito sample model $quick --sampler ddim --out four.png | sed 's/; .*//'

wrong() {
    status=0
    "$@" 2> error || status=$?
    echo "$status $(head -1 error)"
}
echo '{"_class_name": "RePaintScheduler"}' > repaint.json
echo '{"_class_name": "DDIMInverseScheduler"}' > inverse.json
wrong ito sample model --scheduler dpm.json --sampler ddim
wrong ito sample model --scheduler repaint.json
wrong ito sample model --scheduler inverse.json --quiet
wrong ito sample model --scheduler nowhere.json
