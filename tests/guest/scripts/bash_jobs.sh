# with: bash
# Background jobs, wait -n, job control with set -m, disown, jobs of several processes.
for i in 3 1 2; do (sleep 0.$i; exit $i) & done
for _ in 1 2 3; do wait -n; echo "ended $?"; done
wait -n; echo "none left $?"
(sleep 0.1; exit 9) & first=$!; (exit 8) & second=$!
wait $first $second; echo "last $?"; wait $first; echo "again $?"
wait 999999 2> /dev/null; echo "stranger $?"
sleep 5 & kill %%; wait %% 2> /dev/null; echo "killed $?"
(exit 6) & number=$!; wait -n -p ended; echo "wait -n -p $? $((ended == number))"
wait
total=0
for i in {1..8}; do (exit "$i") & pids[i]=$!; done
for i in {1..8}; do wait "${pids[i]}"; ((total += $?)); done; echo "total $total"
set -m
sleep 0.05 | cat & jobs | sed 's/ *$//'
wait %%; echo "job $?"
(kill -STOP $BASHPID; echo continued; exit 3) & child=$!
while [[ $(cut -d' ' -f3 /proc/$child/stat) != T ]]; do sleep 0.01; done
jobs | grep -o Stopped; kill -CONT %%; wait %%; echo "after stop $?"
set +m
{ sleep 0.02; echo late; } & disown; sleep 0.1
out=$(echo sub; sleep 0.01 & wait; echo done); echo "$out"
f() { echo "in $1"; return $1; }; f 3 & wait $!; echo "function $?"
(trap 'echo term; exit 5' TERM; while :; do sleep 0.01; done) & sleep 0.05; kill $!; wait $!; echo "handled $?"
nohup true < /dev/null 2> /dev/null; echo "nohup $?"
timeout 0.05 sleep 5; echo "timeout $?"; timeout -s HUP 0.05 sleep 5; echo "timeout -s HUP $?"
(cd / && exec -a other bash -c 'echo "$0 $PWD"')
echo "$BASH_SUBSHELL $(echo "$BASH_SUBSHELL" $(echo "$BASH_SUBSHELL"))"
