# with: dash | busybox sh | bash --posix
# A POSIX shell script: functions, loops, case, traps, here-documents, background, getopts, arithmetic.
set -u
fact() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }
fact 6
while getopts ab:c option -a -b value -c rest; do echo "$option ${OPTARG-}"; done; echo "$OPTIND"
i=0; until [ $i -ge 3 ]; do i=$((i + 1)); [ $i = 2 ] && continue; printf '%s ' "$i"; done; echo
for word in "a b" c 'd  e'; do echo "<$word>"; done
case $- in *i*) echo interactive ;; *) echo batch ;; esac
cat << EOF | sed 's/^/| /'
home of ${HOME} has $((6 * 7)) $(echo things)
EOF
trap 'echo leaving $?' EXIT; trap 'echo hup' HUP; kill -HUP $$
(exit 3) & wait $!; echo "wait $?"
(sleep 0.05; echo slow) & (echo fast); wait
kill -0 $$ && echo alive; kill -0 999999 2> /dev/null || echo nobody
x=abc.def.ghi; echo "${x#*.} ${x##*.} ${x%.*} ${x%%.*} ${#x} ${y:-none} ${x:+some}"
echo one two three | { read -r a b; echo "$b:$a"; }
set -- 1 2 3; shift 2; echo "$#:$1"; eval 'z=$1'; echo "$z"
[ -d / ] && [ ! -e /nothing ] && test abc != abd && echo tests
umask 027; : > made; ls -l made | cut -c1-10
readonly r=1; (r=2) 2> /dev/null; echo "readonly $?"
exec 3> log; echo logged >&3; exec 3>&-; cat log
if false; then :; elif (exit 0); then echo elif; fi
false || true && ! false && echo logic
type cd > /dev/null && command -v cat
echo "$(echo "nested $(echo "quotes \"here\"")")"
printf '%5d|%-5s|%05.1f|%c|%%|%b\n' 42 ab 3.14159 xyz 'tab\there'
while read -r line; do n=$((${n:-0} + 1)); done < /etc/passwd; [ "$n" -gt 1 ] && echo lines
exit 5
