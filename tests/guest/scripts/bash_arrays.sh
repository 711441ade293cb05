# with: bash
# Arrays, associative arrays, namerefs, expansions, arithmetic.
declare -a list=(one two "three four" [7]=seven)
list+=(eight)
echo "${#list[@]} ${!list[*]} ${list[2]} ${list[-1]}"
printf '<%s>' "${list[@]:1:2}" "${list[@]/e/E}"; echo
unset 'list[1]'
echo "${!list[@]}"
declare -A map=([red]=1 [green]=2 ["two words"]=3)
map[blue]=4
for key in "${!map[@]}"; do echo "$key=${map[$key]}"; done | sort
[[ -v map[red] && ! -v map[black] ]] && echo known
sum() { local -n all=$1; local total=0 each; for each in "${all[@]}"; do ((total += each)); done; echo "$total"; }
sum map
mapfile -t lines < <(printf 'a\nb c\n\nd\n')
declare -p lines
text=/usr/share/doc/readme.tar.gz
echo "${text##*/} ${text%%.*} ${text%.gz} ${text/doc/DOC} ${text//e/_} ${#text} ${text:5:5} ${text: -6}"
echo "${text^^} ${missing:-default} ${missing:+set} ${text@Q}"
shout=HELLO; echo "${shout,,} ${shout~} ${!sh*}"
echo $((2 ** 40 - 0x10 * 7 % 5 << 2 | 3)) $((16#ff + 2#101)) $((5 > 3 ? 10 : 20))
for ((i = 0; i < 3; i++)); do printf '%d,%03d,%x ' "$i" "$((i * i))" "$((i + 250))"; done; echo
echo {a..e} {1..10..3} {x,y}{1,2} ~root
[[ 2024-05-17 =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[@]}"
case abc in a*c) echo glob ;;& *b*) echo also ;; esac
shopt -s extglob nullglob
touch f1 f2 f33 other; echo f? f+([0-9]) !(f*) none*
printf -v padded '%-8s|%8.3f' left 3.14159; echo "$padded"
IFS=: read -r user _ uid _ <<< "root:x:0:0:root:/root:/bin/sh"; echo "$user $uid"
set -- a b c; shift; echo "$# $* ${*: -1}"
echo "${PIPESTATUS[@]}" "$(false | true | (exit 3); echo "${PIPESTATUS[*]}")"
select_one() { local PS3='? '; select x in p q; do echo "chose $x"; break; done <<< 2; }; select_one 2>&1
