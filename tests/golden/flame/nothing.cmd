"$SPOOR" flame -o - --filter nowhere small.folded >nothing.tmp
echo "status of spoor $?"
sed -f picture.sed nothing.tmp
rm nothing.tmp
