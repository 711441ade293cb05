# with: bash
# Traps: signals, EXIT, ERR, DEBUG, RETURN, in subshells and functions; what ended a child.
trap 'echo exit $?' EXIT
trap 'echo usr1' USR1
trap 'echo usr2 in $FUNCNAME' USR2
kill -USR1 $$
wait_here() { kill -USR2 $$; echo after; }
wait_here
(trap 'echo subshell' EXIT; trap -p USR1; exit 4); echo "status $?"
trap -p
(kill -TERM $BASHPID; echo not here); echo "killed $?"
sleep 100 & kill -KILL $!; wait $! 2> /dev/null; echo "waited $?"
(bash -c 'kill -SEGV $$'; echo "child $?") 2> /dev/null
trap '' INT; kill -INT $$; echo ignored
bash -c 'trap "echo no" INT; kill -INT $$; echo still ignored'
trap - INT
failing() { trap 'echo "failed at $LINENO: $BASH_COMMAND"' ERR; false; true; }
set -E; failing; set +E; trap - ERR
trap 'echo returned' RETURN; returning() { :; }; declare -ft returning; returning; trap - RETURN
(set -e; false; echo not here); echo "set -e $?"
(set -u; echo "$undefined") 2>&1 | sed 's/.*: line/line/'; echo "${PIPESTATUS[0]}"
(set -o pipefail; false | true); echo "pipefail $?"
trap 'echo chld' CHLD; /bin/true; trap - CHLD
trap 'got=1' ALRM
(sleep 0.05; kill -ALRM $$) &
while [[ -z $got ]]; do sleep 0.02; done; echo alarm
wait
kill -l 9 15 137; kill -l USR1
ulimit -n 50; ulimit -n
exit 7
