# Samples beside data: every metric, kept samples that are gone on with, what is refused.
ito train shapes --size 8 --batch 4 --steps 4 --threads 1 --quiet --out model \
    --set architecture.block_out_channels=[16,16] --set architecture.attention_head_dim=8 > /dev/null
ito train shapes --task classifier --size 8 --batch 16 --steps 20 --threads 1 --quiet --out classifier > /dev/null
quick='--steps 2 --threads 1 --quiet --classifier classifier --resamples 20'
numbers='s/-\{0,1\}[0-9][0-9.]*\(e-[0-9]*\)\{0,1\} %/P %/; s/fingerprint [0-9a-f]*/fingerprint F/; s/\(^  [a-z_]*  *\)-\{0,1\}[0-9][0-9.e-]*/\1N/; s/interval .* to .*/interval N to N/; s/+- .*/+- N/'
ito eval model shapes --metrics fd,kd,pr,accuracy,is,swd,mmd,energy -n 20 $quick 2> warning | sed "$numbers"
cut -d: -f1-2 warning
ito eval model shapes --metrics fd,pr -n 20 $quick --metric pr.k=2 --json 2> /dev/null |
    sed 's/"fingerprint":"[0-9a-f]\{16\}"/F/; s/{"value":[^}]*}/S/g'
# 20 samples, then 20 more, are those of 40 at once, also when the last one was cut off
ito eval model shapes --metrics swd -n 20 $quick --keep kept > /dev/null 2>&1
ito eval model shapes --metrics swd -n 40 $quick --keep kept > grown 2> /dev/null
ito eval model shapes --metrics swd -n 40 $quick --keep whole > fresh 2> /dev/null
cmp kept whole && cmp grown fresh && echo same
head -c 5000 kept > cut
ito eval model shapes --metrics swd -n 40 $quick --keep cut > /dev/null 2>&1
cmp cut whole && echo same
# the numbers of fewer samples leave the file alone
ito eval model shapes --metrics swd -n 10 $quick --keep kept > /dev/null 2>&1
cmp kept whole && echo same
# one seed, one result; metrics of both kinds in one command
ito eval model shapes --metrics swd,energy -n 10 $quick --keep kept --json > a 2> /dev/null
ito eval model shapes --metrics swd,energy -n 10 $quick --keep kept --json > b 2> /dev/null
cmp a b && echo same
ito eval model shapes --metrics loss,energy -n 10 $quick --keep kept --json 2> /dev/null | grep -c '"loss":\|"energy":'
# the reader of shapes: what was asked for, agreement with the data, itself on pictures that are known
ito eval model shapes --metrics reader -n 10 --steps 2 --threads 1 --quiet --resamples 0 2> /dev/null | sed "$numbers"
for bad in '--metrics fdd' '--metrics fd' '--metrics swd --metric pr.k=3' '--metrics swd --metric swd.p=3' \
    '--metrics fd --classifier model' '--metrics swd --keep kept --seed 1'; do
    ito eval model shapes $bad -n 10 --steps 2 --threads 1 --quiet 2>&1 | head -1 | sed 's/"model":"[0-9a-f]*"/F/' || true
done
ito list metric | grep -c '^  '
# a batch in a file scores as the samples that it was made of
ito sample model -n 20 --steps 2 --threads 1 --quiet --out batch.npz > /dev/null
ito eval shapes --samples batch.npz --metrics fd,pr,swd,accuracy --classifier classifier --quiet --json 2> /dev/null |
    sed 's/.*"metrics"/"metrics"/' > file
ito eval model shapes --metrics fd,pr,swd,accuracy -n 20 --steps 2 --classifier classifier --quiet --json 2> /dev/null |
    sed 's/.*"metrics"/"metrics"/' > model_
cmp file model_ && echo same
ito eval shapes --samples batch.npz --metrics swd -n 10 --quiet 2> /dev/null | head -1
for bad in 'shapes --samples none.npz --metrics swd' 'shapes --samples warning --metrics swd' 'shapes --samples batch.npz' \
    'shapes --samples batch.npz --metrics loss' 'moons --samples batch.npz --metrics swd'; do
    ito eval $bad --quiet 2>&1 | head -1 || true
done
