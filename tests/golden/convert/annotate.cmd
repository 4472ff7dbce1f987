"$SPOOR" convert --annotate --no-demangle -q odd.folded
