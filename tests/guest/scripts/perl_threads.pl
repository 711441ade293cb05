# with: perl
# Interpreter threads: shared variables, locks, conditions, queues.
use strict;
use warnings;
use Config;
BEGIN { $Config{useithreads} or do { print "no threads\n"; exit } }
use threads;
use threads::shared;
use Thread::Queue;

my $total : shared = 0;
my @workers = map { my $n = $_; threads->create(sub { for (1 .. 50) { lock $total; $total += $n } return $n * $n }) } 1 .. 4;
print join(' ', map { $_->join } @workers), " total $total\n";
my ($jobs, $results) = (Thread::Queue->new, Thread::Queue->new);
my @pool = map { threads->create(sub { while (defined(my $job = $jobs->dequeue)) { $results->enqueue($job ** 2) } }) } 1 .. 3;
$jobs->enqueue(1 .. 20); $jobs->end; $_->join for @pool; $results->end;
print join(',', sort { $a <=> $b } map { $results->dequeue } 1 .. 20), "\n";
my $turn : shared = 0;
my $other = threads->create(sub { lock $turn; cond_wait $turn until $turn; return "woken $turn" });
{ lock $turn; $turn = 7; cond_signal $turn }
print $other->join, ' ', scalar(threads->list), "\n";
my $failing = threads->create(sub { local $SIG{__WARN__} = sub { }; die "inside\n" }); $failing->join; print $failing->error;
