#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is made from the option tables: man pages, completions; and what is installed.
set -u
ok() { echo "ok $1"; }
no() { echo "not ok $1: $2"; }
skip() { echo "skip $1: $2"; }
have() { command -v "$1" >/dev/null 2>&1; }

# ---- man pages ----------------------------------------------------------------------------------
mkdir man
"$SPOOR" help --man >man/spoor.1
for c in $("$SPOOR" help --list); do
	"$SPOOR" help --man "$c" >"man/spoor-$c.1"
done
if diff -r man "$TOP/man" >man.diff 2>&1; then
	ok man-fresh
else
	no man-fresh "man/ is not what the option tables say; make man. $(head -n 1 man.diff)"
fi
if have man && have groff; then
	for p in man/*.1; do
		LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l "$p" 2>&1 >/dev/null | sed "s|^|$p: |"
	done >man.warnings
	if [ -s man.warnings ]; then no man-clean "$(head -n 1 man.warnings)"; else ok man-clean; fi
else
	skip man-clean "needs man and groff"
fi

# ---- bash completion, by calling it as bash does --------------------------------------------------
mkdir inputs
touch 'inputs/a b.spoor' inputs/c.spoor
if have bash; then
	"$SPOOR" help --completion bash >spoor.bash
	cat >drive.bash <<'END'
source ./spoor.bash
cd inputs || exit
try() { # WANTED WORD...: the last word is being typed
	local wanted=$1
	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_spoor
	local got
	got=$([ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}" | sort -u | tr '\n' '|')
	[[ $got == "$wanted" ]] || echo "'$*' gives '$got', not '$wanted'"
}
try 'record|report|' spoor re
try '--version|' spoor --v
try '--kernel-only|' spoor record --ker
try '' spoor record --freq ''
try 'a b.spoor|c.spoor|' spoor info ''
try 'a b.spoor|' spoor info 'a'
try 'c.spoor|' spoor flame -o c
try 'doctor|' spoor help doc
try 'bash|fish|zsh|' spoor help --completion ''
try 'bash|' spoor help --completion = b
try '' spoor doctor c
try '--json|' spoor doctor --j
try 'sha256sum|' spoor record -a -- sha256s
try 'c.spoor|' spoor record -- cat c
# The processes whose number starts with 1 change; the first is always there.
COMP_WORDS=(spoor record --pid 1) COMP_CWORD=3
_spoor
[[ " ${COMPREPLY[*]} " == *' 1 '* ]] || echo "process 1 is not offered for --pid"
END
	wrong=$(bash -n spoor.bash 2>&1 && bash drive.bash 2>&1)
	if [ -z "$wrong" ]; then ok bash-completion; else no bash-completion "$(echo "$wrong" | head -n 3)"; fi
else
	skip bash-completion "no bash"
fi
for sh in zsh fish; do
	if ! have $sh; then
		skip $sh-completion "no $sh"
	elif "$SPOOR" help --completion $sh >spoor.$sh && $sh -n spoor.$sh 2>syntax; then
		ok $sh-completion
	else
		no $sh-completion "$(head -n 1 syntax)"
	fi
done
if have fish; then
	got=$(fish -c 'source spoor.fish; complete -C "spoor rec"; complete -C "spoor info inputs/c"' | cut -f 1 | tr '\n' ' ')
	if [ "$got" = 'record inputs/c.spoor ' ]; then ok fish-offers; else no fish-offers "'$got'"; fi
fi

# ---- words and exit status ------------------------------------------------------------------------
"$SPOOR" >first 2>&1
rc=$?
if [ $rc -eq 0 ] && [ "$(wc -l <first)" -le 24 ]; then ok first-screen; else no first-screen "status $rc"; fi
"$SPOOR" record --frequncy 9 >out 2>err
rc=$?
printf 'spoor: record: unknown option --frequncy\ntry: --freq\n' >want
if [ $rc -eq 1 ] && cmp -s err want && [ ! -s out ]; then ok near-miss; else no near-miss "status $rc: $(cat err)"; fi
"$SPOOR" help record >/dev/full 2>err
rc=$?
if [ $rc -eq 2 ]; then ok full-output; else no full-output "status $rc"; fi

# ---- make install ---------------------------------------------------------------------------------
if have make && [ -x "$TOP/spoor" ]; then
	if make -s -C "$TOP" install DESTDIR="$PWD/root" PREFIX=/usr >install.log 2>&1; then
		missing=
		for f in bin/spoor share/man/man1/spoor.1 share/man/man1/spoor-record.1 \
			share/bash-completion/completions/spoor share/zsh/site-functions/_spoor \
			share/fish/vendor_completions.d/spoor.fish share/doc/spoor/LICENSE; do
			[ -s "root/usr/$f" ] || missing="$missing $f"
		done
		if [ -z "$missing" ]; then ok install; else no install "missing:$missing"; fi
	else
		no install "$(tail -n 1 install.log)"
	fi
else
	skip install "needs make and a finished build"
fi
