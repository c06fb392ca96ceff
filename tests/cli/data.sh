ito data shapes --size 16 | head -4
ito data shapes --json | sed 's/,"fields".*//'
