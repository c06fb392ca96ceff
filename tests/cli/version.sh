ito version
ito --version | head -1
ito version --json --threads 3 | grep -c '"threads":3'
