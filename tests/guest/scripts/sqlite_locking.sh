# with: bash
# sqlite3: several processes on one database, with both kinds of journal; a lock that is held; a writer that goes away.
sqlite3 db "pragma journal_mode=delete; create table hits(who, n); create table account(cents); insert into account values (1), (2), (3)"
write() { for n in 1 2; do sqlite3 -cmd '.timeout 20000' db "insert into hits values ('$1', $n)"; done; }
write a & write b & write c & wait
sqlite3 db "select who, count(*), sum(n) from hits group by who"
sqlite3 db "pragma journal_mode=wal"; write d & write e & wait; sqlite3 db "select count(*) from hits; pragma integrity_check"
sqlite3 db "pragma journal_mode=delete"
mkfifo hold; sqlite3 db < <(echo "begin exclusive; insert into hits values ('held', 1);"; cat hold; echo "commit;") &
while [[ ! -e db-journal ]]; do sleep 0.01; done
sqlite3 db "select count(*) from hits" 2>&1; echo "locked $?"
echo > hold; wait; sqlite3 db "select count(*) from hits"
(echo "pragma cache_size=1; begin; update account set cents = 7; update hits set n = 0;"; sleep 100) > >(exec sqlite3 db) & sleep 0.2; kill $! 2> /dev/null
wait; sleep 0.1; sqlite3 db "select sum(cents), (select sum(n) from hits) from account; pragma integrity_check"
rm db
