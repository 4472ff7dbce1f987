"$SPOOR" report -q -j --limit 2 ../convert/odd.folded
