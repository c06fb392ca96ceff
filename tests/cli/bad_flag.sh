ito list --jsn
