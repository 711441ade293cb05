#!/bin/sh
# Prints a C compiler command that makes static x86-64 Linux programs on this host: `cc` where it can, else the
# one of the `ziglang` wheel, which is installed if it is missing.
#
#   choose_compiler.sh PYTHON

set -eu
python=$1
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
printf 'int main(void) { return 0; }\n' > "$probe/probe.c"

for compiler in "${CC:-cc}" gcc clang; do
    if $compiler -static -o "$probe/probe" "$probe/probe.c" 2> /dev/null &&
        [ "$(od -An -j18 -N2 -tx1 "$probe/probe" | tr -d ' ')" = 3e00 ]; then # e_machine is EM_X86_64.
        echo "$compiler"
        exit 0
    fi
done

"$python" -m ziglang version > /dev/null 2>&1 ||
    "$python" -m pip install --quiet --disable-pip-version-check ziglang >&2
echo "$python -m ziglang cc -target x86_64-linux-musl"
