# with: bash
# git: a repository with a branch, a merge, a tag, packing, a clone.
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.com
export GIT_AUTHOR_DATE='1600000000 +0000' GIT_COMMITTER_DATE='1600000000 +0000' GIT_CONFIG_NOSYSTEM=1 HOME=$PWD
git init -q -b main one && cd one || exit
seq 20 > numbers; mkdir sub; echo text > sub/file; ln -s numbers link; echo '*.o' > .gitignore; touch x.o
git add . && git commit -q -m first && git log --format='%H %s %an'
git checkout -q -b side; sed -i 's/^5$/five/' numbers; git commit -q -am side
git checkout -q main; sed -i 's/^15$/fifteen/' numbers; git commit -q -am main
git merge -q side -m merged && git log --oneline --graph; git diff HEAD~1 --stat
git tag -a v1 -m "a tag"; git describe; git show --stat --format=%s HEAD^1; git gc -q; git fsck 2>&1
cd .. && git clone -q one two && cd two && git log -1 --format=%H && git ls-tree -r HEAD && git rev-parse --abbrev-ref HEAD@{upstream}
cd .. && rm -rf one two
