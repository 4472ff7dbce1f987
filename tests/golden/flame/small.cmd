"$SPOOR" flame -o - small.folded | sed -f picture.sed
