ito explain vp-linear --at 0,1,1000
ito explain spacing/leading --steps 4 | tail -1
ito explain vp-linear --set T=100 --at 100 --json | sed 's/.*"levels"/"levels"/'
ito explain ddim --json --steps 2 | sed 's/.*"options"/"options"/'
ito explain weighting/edm
ito explain prediction/mu
