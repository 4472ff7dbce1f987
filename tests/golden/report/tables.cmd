"$SPOOR" report -q ../convert/odd.folded
"$SPOOR" report -q --by process ../convert/odd.folded
"$SPOOR" report -q --callees main ../convert/odd.folded
"$SPOOR" report -q --callers 'foo::bar(int)' ../convert/odd.folded
