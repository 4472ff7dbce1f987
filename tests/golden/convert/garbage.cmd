printf '\001\002\003' | "$SPOOR" convert -
"$SPOOR" convert --format folded two.script nothing.folded
