"$SPOOR" convert --formats
"$SPOOR" convert --as fold odd.folded
