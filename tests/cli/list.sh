ito list | grep '^sampler: '
ito list sampler | grep -c '^  ddim .*order 1'
ito list samplers > plural
ito list sampler | cmp - plural
# one object a line
ito list --json | grep -vc '^{"axis":".*}$' || true
