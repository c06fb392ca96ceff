ito explain vp-linear --at 0,1,1000
ito explain spacing/leading --steps 4 | tail -1
ito explain vp-linear --set T=100 --at 100 --json | sed 's/.*"levels"/"levels"/'
ito explain vp-betas --set betas=0.1,0.2 --set zero_snr=true --at 0,1,2 --json | sed 's/.*"levels"/"levels"/'
ito explain process/flow --set shift=3 --at 0.25,0.5,1 --json | sed 's/.*"levels"/"levels"/'
ito explain ddim --json --steps 2 | sed 's/.*"options"/"options"/'
ito explain weighting/edm
ito explain prediction/mu
# A process that is nothing without an option is described without numbers; asked for numbers, it complains.
ito explain vp-betas | tail -2
status=0
ito explain vp-betas --at 1 2> error || status=$?
[ $status = 2 ]
grep -c 'betas is empty' error
# Curves.
ito explain process/ve-sde --plot curves/ve.svg | tail -1
grep -c '>log-SNR (right)</text>' curves/ve.svg
status=0
ito explain process/ve-sde --plot ve.jpg 2> error || status=$?
[ $status = 2 ]
head -1 error
ito explain process/ve-sde --plot curves/ve.png > /dev/null
ito info curves/ve.png | head -1
status=0
ito explain ddim --plot ddim.svg 2> error || status=$?
[ $status = 2 ]
head -1 error
