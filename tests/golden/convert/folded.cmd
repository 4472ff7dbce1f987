"$SPOOR" convert odd.folded
