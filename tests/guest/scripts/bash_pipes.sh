# with: bash
# Pipelines, here-documents, process substitution, coprocesses, redirections, descriptors.
seq 1 200 | grep 7 | sort -rn | head -n 5 | tr '\n' ' '; echo
name=world
cat << END | tr a-z A-Z
hello $name $(echo and more) \$name
END
cat <<- 'END'
	no $expansion here
	END
tr x y <<< "xyz"
diff <(printf '1\n2\n3\n') <(printf '1\n3\n4\n'); echo "diff $?"
tee >(wc -c | sed 's/^ */bytes /' > count) > /dev/null <<< "some text"; wait $!; sleep 0.1; cat count
paste <(seq 3) <(seq 4 6) <(seq 7 9)
coproc SUMS { while read -r a b; do echo $((a + b)); done; }
echo 1 2 >&"${SUMS[1]}"; read -r -u "${SUMS[0]}" sum; echo "coproc $sum"
echo 40 2 >&"${SUMS[1]}"; read -r -u "${SUMS[0]}" sum; echo "coproc $sum"
exec {SUMS[1]}>&-; wait "$SUMS_PID"; echo "coproc ended $?"
exec 5> five 6>&1; echo into five >&5; echo through six >&6; exec 5>&- 6>&-; cat five
exec {free}<> both; echo rw >&"$free"; exec {free}<&-; cat both
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed s/^/caught:/
(echo out; echo err >&2) &> all; sort all
echo append >> all; wc -l < all
set -C; echo no > all 2> /dev/null || echo "noclobber"; echo yes >| all; cat all; set +C
cat nothing 2> /dev/null || echo "status $?"
cat < nothing 2> refused; sed 's/.*: line [0-9]*: //' refused
read -r -t 0.05 line < <(sleep 1); echo "read -t $?"
read -r -t 5 line < <(echo quick); echo "$line"
read -r -N 3 three <<< abcdef; echo "$three"
read -r -d : part <<< "x:y"; echo "$part"
echo "a b" | while read -r x y; do echo "$y $x"; done
lastpipe() { shopt -s lastpipe; echo kept | read -r kept; echo "$kept"; }; lastpipe
yes | head -n 2; echo "${PIPESTATUS[@]}"
mkfifo pipe; (echo through the fifo > pipe) & cat pipe; wait
printf '%s\n' "$(< five)" "`echo nested \`echo ticks\``"
cat /dev/fd/3 3<<< three; cat /dev/stdin <<< stdin
time -p true 2> /dev/null
: > empty; [[ ! -s empty && -e empty && -p pipe && -r five ]] && echo tests
