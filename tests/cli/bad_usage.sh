# Every wrong use has the exit status 2 and writes nothing to standard output.
wrong() {
    status=0
    "$@" 2>>errors || status=$?
    [ $status = 2 ] || { echo "$*: status $status"; exit 1; }
}
wrong ito explain
wrong ito explain dimm
wrong ito explain ddim ddpm
wrong ito explain vp-linear --set T
wrong ito list colour
wrong ito data shapes --size big
wrong ito data shapes --size
wrong ito data shapes --set siez=8
wrong ito list --json=yes
wrong ito list --threads -3
wrong ito help nothing
cat errors
