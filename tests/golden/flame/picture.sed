# leaves the picture: without style, script and the line that has the version
/<style>/,/<\/style>/d
/<!\[CDATA\[/,/\]\]>/d
/^<!-- flame graph by spoor/d
