# with: bash
# sqlite3: transactions, savepoints, journal modes, indices, triggers, views.
sqlite3 -batch db << 'END'
.mode list
create table account(id integer primary key, owner text, cents integer check (cents >= 0));
create index owners on account(owner);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
insert into account(owner, cents) select 'owner ' || (i % 17), i * 7919 % 1000 from n;
begin; update account set cents = cents - 10 where id = 5; update account set cents = cents + 10 where id = 6; commit;
begin; delete from account where id > 100; savepoint half; delete from account; rollback to half; select count(*) from account; rollback;
select owner, count(*), sum(cents) from account group by owner order by 3 desc limit 4;
explain query plan select * from account where owner = 'owner 3';
create view rich as select * from account where cents > 990; select * from rich order by id;
create trigger noted after update on account begin insert into log values (new.id, old.cents, new.cents); end;
create table log(id, before, after); update account set cents = 1 where id in (1, 2); select * from log;
select printf('%.3f', avg(cents)), hex(zeroblob(3)), json_extract('{"a":[1,2]}', '$.a[1]') from account;
pragma integrity_check;
END
sqlite3 db "update account set cents = -1 where id = 1" 2>&1; echo "status $?"
for mode in delete truncate persist memory wal off; do
    sqlite3 db "pragma journal_mode=$mode; begin; update account set cents = cents + 1 where id < 50; commit; select sum(cents) from account;"
done
sqlite3 db .dump | sha256sum; sqlite3 db "vacuum; pragma page_count"; sqlite3 :memory: "attach 'db' as other; select count(*) from other.account"
rm db
