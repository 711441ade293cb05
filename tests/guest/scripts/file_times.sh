# with: bash
# File times: by the clock that the program sees, whatever set them.
echo a > a; sleep 0.01; echo b > b; [[ b -nt a ]] && echo newer
now=$(date +%s); mkdir m; for f in a b m; do for what in X Y Z; do t=$(stat -c %$what $f); ((t <= now + 1 && t >= now - 100)) && printf 'near ' || printf "far($t) "; done; done; echo
touch -d @1000 a; stat -c '%Y %X' a; (( $(stat -c %Z a) >= now )) && echo ctime now
touch -m -d @2000 b; stat -c %Y b; (( $(stat -c %X b) >= now - 100 && $(stat -c %X b) <= now + 10 )) && echo atime kept
mkdir d; before=$(stat -c %y d); sleep 0.01; touch d/x; [[ $(stat -c %y d) > $before ]] && echo directory changed
sleep 0.01; before=$(stat -c %y d); rm d/x; [[ $(stat -c %y d) > $before ]] && echo again
sleep 0.01; before=$(stat -c %y.%z b); chmod 600 b; [[ ${before%%.*} == $(stat -c %y b | cut -d. -f1) && $(stat -c %z b) > ${before#*.} ]] ; ln b c; mv c e; stat -c %Y e
ln -s a link; t=$(stat -c %Y link); ((t >= now && t <= now + 100)) && echo link now
touch old -d @5; [[ a -nt old ]] && echo nt; cp -p old copy; stat -c %Y copy; find . -newer copy -type f | sort
: > a; t=$(stat -c %Y a);  ((t >= now && t <= now + 100)) && echo truncated now
