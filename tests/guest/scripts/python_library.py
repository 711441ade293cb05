# with: python3
# json, sqlite3, regular expressions, decimal, archives, hashes, files, and other parts of the library.
import base64
import bz2
import collections
import csv
import ctypes
import datetime
import decimal
import fractions
import glob
import gzip
import hashlib
import heapq
import io
import itertools
import json
import lzma
import os
import pathlib
import pickle
import random
import re
import shutil
import sqlite3
import statistics
import struct
import tarfile
import zipfile
import zlib

data = {"list": [1, 2.5, None, True, "\u00e9\u2028"], "nested": {str(n): n**3 for n in range(5)}}
text = json.dumps(data, sort_keys=True, indent=1)
assert json.loads(text) == data
print(hashlib.sha256(text.encode()).hexdigest(), hashlib.blake2b(b"x", digest_size=8).hexdigest())
base = sqlite3.connect("base")
base.execute("create table t(id integer primary key, name text unique, value real)")
with base:
    base.executemany("insert into t(name, value) values (?, ?)", ((f"n{n}", n / 7) for n in range(200)))
try:
    with base:
        base.execute("delete from t")
        base.execute("insert into t values (1, 'x', 1), (1, 'y', 2)")
except sqlite3.IntegrityError as error:
    print(error)
base.create_function("half", 1, lambda value: value / 2)
print(base.execute("select count(*), sum(half(value)), group_concat(name) from t where id % 50 = 0").fetchall())
factorial = "with recursive f(n, x) as (select 1, 1 union all select n + 1, x * n from f where n < 9) "
print(base.execute(factorial + "select max(x) from f").fetchone())
base.execute("pragma journal_mode = wal")
other = sqlite3.connect("base")
base.execute("begin immediate")
base.execute("update t set value = 0")
print(other.execute("select count(*) from t where value = 0").fetchone())
other.execute("pragma busy_timeout = 20")
try:
    other.execute("begin immediate")
except sqlite3.OperationalError as error:
    print(error)
base.commit()
print(other.execute("select count(*) from t where value = 0").fetchone())
base.close(), other.close()
print(re.sub(r"(\w+)@(\w+)", lambda m: m[2] + m[1], "one@two three@four"))
print(re.findall(r"(?i)\b[A-F]\w*", "Abc def Ghi"))
decimal.getcontext().prec = 40
print(decimal.Decimal(2).sqrt(), fractions.Fraction(1, 3) + fractions.Fraction(1, 6), 2**200, repr(0.1 + 0.2))
print(datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC).isoformat(), datetime.date(2024, 12, 30).isocalendar())
payload = bytes(n * n & 255 for n in range(5000))
print([len(module.compress(payload)) for module in (zlib, bz2, lzma)])
print(gzip.decompress(gzip.compress(payload, mtime=0)) == payload)
print(zlib.crc32(payload), base64.b85encode(payload[:20]), struct.pack("<hIq", -1, 2, 3).hex())
random.seed(5)
print(random.sample(range(100), 5), statistics.stdev([1, 2, 4, 8]), list(itertools.permutations("abc", 2))[-1])
pathlib.Path("d/e").mkdir(parents=True)
pathlib.Path("d/e/f.txt").write_text("héllo\n" * 3)
print(sorted(glob.glob("d/**", recursive=True)), shutil.copytree("d", "copy"), os.path.getsize("copy/e/f.txt"))
with zipfile.ZipFile("z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr(zipfile.ZipInfo("inside"), payload)
print(zipfile.ZipFile("z.zip").testzip(), zipfile.ZipFile("z.zip").infolist()[0].compress_size)
with tarfile.open("t.tar.gz", "w:gz") as archive:
    archive.add("d")
with tarfile.open("t.tar.gz") as archive:
    print(archive.getnames())
os.remove("t.tar.gz"), os.remove("base")
print(pickle.loads(pickle.dumps(collections.Counter("mississippi"))).most_common(2), heapq.nsmallest(3, [5, 1, 9, 2]))
rows = io.StringIO()
csv.writer(rows).writerows([["a", 'b"c'], [1, "x,y"]])
print(repr(rows.getvalue()), ctypes.CDLL(None).abs(-5), ctypes.sizeof(ctypes.c_long))
shutil.rmtree("copy")
