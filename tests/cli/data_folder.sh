# A folder with a class per sub-folder, made of generated pictures, with one file that is no picture.
ito data shapes --size 8 --export set -n 12 --json > /dev/null
echo junk > set/circle/broken.png
ito data set --preview preview.png
ito info preview.png | head -1
ito info set --json | sed 's/.*"rejected"/"rejected"/'
