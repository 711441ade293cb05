# with: bash
# jq, bc, patch, file, openssl and others with larger inputs than their options need.
command -v jq > /dev/null && seq 100 | jq -cs 'map(. * .) | {sum: add, max: max, odd: map(select(. % 2 == 1)) | length}'
echo 'scale=60; 4*a(1); e(1); 2^300' | BC_LINE_LENGTH=0 bc -l
seq 30 > a; sed 's/7/seven/' a > b; diff -u --label a --label b a b > p; patch -s a p && cmp a b && echo patched
command -v openssl > /dev/null && openssl enc -aes-128-cbc -K 00112233445566778899aabbccddeeff -iv 0 -in a 2> /dev/null | md5sum
file -b /bin/sh a p Makefile 2> /dev/null | head -n 2 | cut -c1-30; ldd /bin/true | grep -c libc
