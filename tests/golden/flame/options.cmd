"$SPOOR" flame -o - --inverted --width 600 --title 'A & <B>' --subtitle '"sub"' --no-demangle \
	--filter 'main|tiny' small.folded | sed -f picture.sed
