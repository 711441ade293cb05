# with: bash
# Pipelines of tools that start others: find, xargs -P, tar with gzip, awk, sed, sort --parallel, split with filters, env.
mkdir -p tree/a/b tree/c; for i in {1..6}; do seq "$i" $((i * 7)) > "tree/a/$i.txt"; done
cp tree/a/1.txt tree/a/b; cp tree/a/2.txt "tree/c/with space.txt"; ln -s ../a tree/c/link
find tree -type f -print0 | sort -z | xargs -0 -n 3 -P 4 sha256sum | sort
find tree -name '*.txt' -exec wc -l {} + | sort -k2
find tree -type f -size -1k -exec sh -c 'echo "$# files"' sh {} +
tar --sort=name --mtime=@0 --owner=0 --group=0 -czf - tree | gzip -dc | tar -tf -
tar -cf - tree | (mkdir copy && tar -C copy -xmf -); diff -r tree copy/tree && echo "same tree"
seq 1 2000 | awk '{ print ($1 * 7919) % 5003, $1 }' > numbers
sort --parallel=4 -S 1M -n numbers | sha256sum
sort -n --parallel=2 -T . -S 32k numbers | cmp - <(sort -n numbers) && echo sorted
awk '{ s[$1 % 7] += $2 } END { for (k in s) print k, s[k] | "sort -n"; close("sort -n"); "echo sub" | getline x; print x }' numbers
sed -n '/99/{s/ /:/;p;q}' numbers; sed 's/^\(.\).*/echo got \1/e;2q' numbers
echo one two three | xargs -n 1 echo item; printf 'a\nb\n' | xargs -I{} sh -c 'echo {}; exit 0'
xargs -a /dev/null -r echo never; echo 1 | xargs false; echo "xargs $?"
gzip -kn numbers; zcat numbers.gz | tail -n 1; gzip -l numbers.gz | awk 'NR == 2 { print $2 }'
env -i A=1 /usr/bin/env; nice -n 5 nice; nohup echo nohup 2> /dev/null
seq 20 | shuf --random-source=numbers | sort -n | uniq | wc -l
comm -12 <(seq 11 19) <(seq 15 22) | paste -sd+ | bc
date -u -d @86400 +%F; printf '%s\n' b a | sort -c 2> /dev/null; echo "sort -c $?"
od -An -tx1 <<< abc | xargs; dd if=numbers bs=1k count=2 2> /dev/null | md5sum
