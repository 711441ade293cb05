"""The host's own tools, unmodified, natively and on Lego: what they print, how they end, what they leave behind.

Only commands that start no other program, thread or pipe: on Debian `zcat` and `egrep` are scripts that execute
another program, `xz` makes a pipe, `zstd` threads. A tool that this host lacks is named at the end of the test run;
that nothing at all could be run is a failure.
"""

from __future__ import annotations

import gzip
import os
import shlex
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import ENVIRONMENT, Bench, Outcome, differences

WHEN = 1_600_000_000
"""The time of all files, so that lists of them are the same in every run."""

WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "packs", "my", "box", "jugs"]


def prepare(work: Path) -> None:
    """A small tree with text, numbers, binary data, archives, links."""
    lines = [" ".join(WORDS[(i * k) % len(WORDS)] for k in range(1, 2 + i % 7)) for i in range(400)]
    (work / "text").write_text("\n".join(lines) + "\n")
    (work / "other").write_text("\n".join(line for i, line in enumerate(lines) if i % 50) + "\nat the end\n")
    (work / "numbers").write_text("".join(f"{(i * 7919) % 1000} {i % 13}\n" for i in range(300)))
    (work / "table").write_text("".join(f"{i}:name{i}:{i * i}:x y\n" for i in range(20)))
    (work / "empty").write_text("")
    (work / "no newline").write_text("one line without an end")
    (work / "binary").write_bytes(bytes((i * i + (i >> 8)) & 255 for i in range(12_000)))
    (work / "copy").write_bytes((work / "binary").read_bytes())
    (work / "tree/a/b").mkdir(parents=True)
    (work / "tree/c").mkdir()
    for name in ("a/one.txt", "a/b/two.txt", "a/b/three.c", "c/four.TXT", "c/.hidden"):
        (work / "tree" / name).write_text(name * 20 + "\n")
    (work / "tree2").mkdir()
    (work / "tree2/a").mkdir()
    (work / "tree2/a/one.txt").write_text("changed\n")
    (work / "link").symlink_to("text")
    (work / "dangling").symlink_to("nowhere")
    (work / "tree/link").symlink_to("a/b")
    os.link(work / "text", work / "hard")
    (work / "text.gz").write_bytes(gzip.compress((work / "text").read_bytes(), 9, mtime=0))
    with tarfile.open(work / "tree.tar", "w") as archive:
        for path in [work / "tree", *sorted((work / "tree").rglob("*"))]:
            member = archive.gettarinfo(str(path), str(path.relative_to(work)))
            member.mtime, member.uid, member.gid, member.uname, member.gname = WHEN, 0, 0, "", ""
            with path.open("rb") if member.isreg() else open(os.devnull, "rb") as source:
                archive.addfile(member, source)
    (work / "sums").write_text("7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730  missing\n")
    (work / "script.sed").write_text("s/fox/wolf/g\n/lazy/d\n$a the end\n")
    (work / "script.awk").write_text("{ n[$1]++; t += NF } END { for (w in n) c++; print c, t; exit 3 }\n")
    (work / "script.bc").write_text("scale=30\n4*a(1)\n2^200\nsqrt(2)\nobase=16\n255*255\nquit\n")
    for parent, directories, files in os.walk(work, topdown=False):
        for name in [*directories, *files]:
            os.utime(Path(parent, name), (WHEN, WHEN), follow_symlinks=False)
    os.utime(work, (WHEN, WHEN))


COMMANDS = """
echo -n hello world
echo -e 'tab\\there'
cat text empty numbers
cat -n table
cat missing text
cat -
wc text numbers empty
wc -l -
wc -c binary
sort text
sort -n -r numbers
sort -u -k2 -n numbers
sort -t: -k3n table
sort missing
uniq numbers
uniq -c text
head -n 5 text
head -c 100 binary
head -n -390 text
tail -n 3 text
tail -c 50 binary
tail -n +398 text
cut -d: -f2,3 table
cut -c1-5 text
tr a-z A-Z
tr -d aeiou
tr -s '[:space:]' '\\n'
tac numbers
rev table
nl text
fold -w 20 text
expand table
paste table numbers
comm table numbers
join table table
seq 1 3 20
seq -w 8 12
seq 5 1
expr 6 '*' 7
expr hello : 'h\\(.*\\)o'
expr 1 / 0
test -f text
test -d text
test text -nt numbers
test 5 -gt 3
printf '%05d %s %x\\n' 42 forty 255
printf '%.3f\\n' 3.14159
basename /a/b/c.txt .txt
dirname /a/b/c.txt
realpath link
realpath tree/link/../one.txt
readlink link
readlink -f tree/link
pwd
env
printenv HOME
stat -c '%n %s %a %F %h %Y' text link tree
stat -f -c '%i %T %l %s' text
date -u -d @0
date -u -d @1600000000 +%Y-%m-%dT%H:%M:%S
true
false
ls
ls -a tree
ls -l tree
ls -lR tree
ls -1F tree
ls missing
ls -ln text hard link
find tree
find tree -name '*.txt'
find tree -type d
find . -size +6k
find tree -newer text
find tree -type f -name '*.txt' -delete
du -b tree
md5sum text binary
sha1sum binary
sha256sum text binary empty
sha256sum -c sums
sha512sum binary
sum text
cksum binary
crc32 text
gzip -c text
gzip -n -9 -c binary
gzip numbers
gzip -d -c text.gz
gzip -t text.gz
gzip -l text.gz
bzip2 -c text
bzip2 binary
bzip2 -d missing
tar tf tree.tar
tar tvf tree.tar
tar xf tree.tar -C tree2
tar xOf tree.tar tree/a/one.txt
tar cf new.tar --sort=name --mtime=@0 tree
tar cf - --sort=name tree2
tar xf missing.tar
cpio -t
od -c binary
od -A x -t x1z text
od -t d4 -N 64 binary
hexdump -C binary
hexdump table
xxd numbers
xxd -l 40 binary
strings -n 6 binary
diff text other
diff -u text other
diff text hard
diff -r tree tree2
diff -q binary text
cmp binary copy
cmp binary text
cmp text other
grep fox text
grep -c fox text
grep -n -i FOX text other
grep -v the text
grep -E '^(the|a) .*(dog|fox)$' text
grep -F 'a lazy' text
grep -o 'd[a-z]*' text
grep -r one tree
grep nothing text
grep -q fox text
grep '[' text
sed s/the/THE/ text
sed -n 10,20p text
sed -f script.sed text
sed -i s/fox/cat/g text
sed -E 's/(\\w+) (\\w+)/\\2 \\1/' text
sed -e '/^the/!d' -e = text
awk '{ s += $1 } END { print s, NR, s / NR }' numbers
awk -F: '$1 % 3 == 0 { print $2, length($0) }' table
awk -f script.awk text
awk 'BEGIN { for (i = 0; i < 5; i++) printf "%d %s\\n", i * i, toupper("abc") }'
awk '{ words += split($0, w); for (i in w) n[w[i]]++ } END { print words, n["fox"], substr("hello", 2, 3) }' text
bc -l script.bc
dc -e '2 100 ^ p'
file text binary tree.tar text.gz link
cp text new
cp -r tree new
cp -p text new
cp text missing/x
mv text moved
mv tree tree2/inside
mv missing x
rm text
rm -r tree
rm missing
rm -f missing
mkdir new
mkdir -p x/y/z
mkdir tree
rmdir tree/c
rmdir tree
ln text new
ln -s text new
ln -sf numbers link
touch -d @5 new
touch -r text numbers
chmod 600 text
chmod -R u=rwX,go= tree
truncate -s 1000 binary
truncate -s +5 empty
dd if=binary of=new bs=1000 skip=3 count=5 status=none
dd if=text bs=7 count=3 of=new conv=ucase status=noxfer
split -l 100 text part-
split -b 5000 binary
csplit text 100 200
tee one two
install -m 750 text new
shuf -i 1-1
factor 600851475143 97
base64 binary
base64 -d table
base32 table
cal 9 1752
sleep 0.01
usleep 1000
uname -s
uname -m
id -u
nproc --ignore=100000
tsort numbers
unexpand -a table
fmt text
pr -t -2 table
ptx empty
look a empty
column -t table
getopt -o ab: -- -a -b x y
link text new
unlink text
pathchk text
numfmt --to=iec 123456789
b2sum text
perl -e 'print join(",", map { $_ ** 2 } 1 .. 10), "\\n"; printf "%s\\n", scalar reverse "abc";'
perl -ne '$n{$_}++ for split; END { print "$_ $n{$_}\\n" for sort keys %n }' text
dash -c 'i=0; while [ $i -lt 50 ]; do i=$((i + 1)); done; echo $i; exit 7'
bash -c 'for ((i = 0; i < 50; i++)); do a[i]=$((i * i)); done; echo ${a[49]} ${#a[@]}; [[ abc == a* ]] && echo yes'
bash -c 'while read -r a b; do ((s += a)); done < numbers; echo $s'
"""

BUSYBOX_ONLY = """
gunzip text.gz
gunzip -c text
egrep 'fox|dog' text
fgrep lazy text
sha3sum text
uuencode text text
dos2unix text
unix2dos text
ipcalc -n 10.1.2.3/8
ascii
tree
ar t missing
ed -s table
"""

ANY_ORDER = ("find", "du")
"""Tools that print names in the order in which the file system happens to have them."""


def in_order(outcome: Outcome) -> Outcome:
    """With its lines of output sorted."""
    return outcome._replace(stdout=b"".join(sorted(outcome.stdout.splitlines(keepends=True))))


STDIN = b"first line here\nsecond  line\n\tthird one, after a tab\nlast"


def commands() -> Iterator[object]:
    """The tools by their own names, then each as an applet of busybox."""
    for prefix, text in (((), COMMANDS), (("busybox",), COMMANDS + BUSYBOX_ONLY)):
        for line in filter(None, text.splitlines()):
            yield pytest.param((*prefix, *shlex.split(line)), id=" ".join((*prefix, line))[:70])


APPLETS: set[str] = set()


def _applets(bench: Bench) -> set[str]:
    if not APPLETS and shutil.which("busybox"):
        listed = bench.native(["busybox", "--list"]).stdout.decode().split()
        APPLETS.update(listed)
    return APPLETS


def _program(argv: tuple[str, ...]) -> str | None:
    path = shutil.which(argv[0], path=ENVIRONMENT["PATH"])
    return path if path and os.access(path, os.R_OK) else None


def _name(argv: tuple[str, ...]) -> str:
    return f"busybox {argv[1]}" if argv[0] == "busybox" else argv[0]


@pytest.mark.parametrize("argv", list(commands()))
def test_tool(bench: Bench, tools_run: set[str], tools_missing: set[str], argv: tuple[str, ...]) -> None:
    if _program(argv) is None:
        tools_missing.add(argv[0])
        pytest.skip(f"{argv[0]} is not installed")
    if argv[0] == "busybox" and argv[1] not in _applets(bench):
        pytest.skip(f"busybox has no {argv[1]}")
    expected = bench.native(list(argv), STDIN, prepare)
    again = bench.native(list(argv), STDIN, prepare, fresh=True)
    if expected != again:
        pytest.skip(f"natively two runs differ: {differences(expected, again)[:200]}")
    got = bench.lego("generous" if len(" ".join(argv)) % 2 else "spread_lines64", list(argv), STDIN, prepare)
    tools_run.add(_name(argv))
    if _name(argv).split()[-1] in ANY_ORDER:
        expected, got = in_order(expected), in_order(got)
    assert not (found := differences(expected, got)), found


def test_something_was_run(tools_run: set[str]) -> None:
    assert tools_run, "no host tool could be run at all: install coreutils or busybox"
