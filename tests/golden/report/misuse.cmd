"$SPOOR" report --callees nosuch ../convert/odd.folded
"$SPOOR" report --by moon ../convert/odd.folded
"$SPOOR" report --filter 'a(' ../convert/odd.folded
"$SPOOR" report -p 1 ../convert/odd.folded
"$SPOOR" report nothing.spoor
