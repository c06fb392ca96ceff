ito list | grep '^sampler: '
ito list sampler | grep -c '^  ddim .*order 1'
ito list samplers > plural
ito list sampler | cmp - plural
# one object a line
ito list --json | grep -vc '^{"axis":".*}$' || true
# what a weight belongs to, a kind needs, a variance asks for
ito list weighting | sed -n 's/^  \(min-snr\|p2\|simple\) .*(\(.*\))$/\1: \2/p'
ito list | sed -n 's/^  \(mu\|importance\|learned_range\) .*(\(.*\))$/\1: \2/p'
