"$SPOOR" convert two.script
"$SPOOR" convert -q --as perfscript two.script
