"$SPOOR" convert -q --as spoor two.script | "$SPOOR" convert -q --as perfscript - >a.tmp
"$SPOOR" convert -q --as perfscript two.script >b.tmp
sort a.tmp >as.tmp; sort b.tmp >bs.tmp
grep -v 'c[0-9a-f]* \|ffff\|^	' as.tmp >ah.tmp; grep -v 'c[0-9a-f]* \|ffff\|^	' bs.tmp >bh.tmp
cmp ah.tmp bh.tmp && echo same headers
rm -f *.tmp
