# with: bash
# xz and zstd with threads, openssl digests, jq: large enough that all threads have something to do.
seq 1 20000 > data
xz -T4 --block-size=32KiB -k -1 data && xz -l data.xz | awk 'NR == 2 { print $2 }'; xz -T4 -dc data.xz | cmp - data && echo same
xz -T1 -1 -c data | xz -t && echo tested; rm data.xz
if command -v zstd > /dev/null; then zstd -q -T4 -3 data -o data.zst; zstd -q -T2 -dc data.zst | cmp - data && echo same; fi
pigz -V 2> /dev/null | head -n 1
openssl dgst -sha256 data 2> /dev/null | awk '{ print $2 }'
