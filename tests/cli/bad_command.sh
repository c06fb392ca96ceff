ito lsit
