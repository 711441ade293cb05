# with: perl
# fork, wait, pipes, sockets between processes, open2/open3, signals, select, sleeping, exec.
use strict;
use warnings;
use IPC::Open2;
use IPC::Open3;
use IO::Select;
use Socket;
use Symbol 'gensym';
use POSIX ':sys_wait_h';

$| = 1;
pipe my $reader, my $writer or die $!;
my $child = fork // die $!;
if (!$child) { close $reader; print {$writer} "from the child $_\n" for 1 .. 3; close $writer; exit 7 }
close $writer; print while <$reader>;
waitpid $child, 0; print 'status ', $? >> 8, "\n";
my %kids; for my $n (1 .. 4) { my $pid = fork // die; exit $n * 2 unless $pid; $kids{$pid} = $n }
my $total = 0; while ((my $pid = wait) > 0) { $total += ($? >> 8) * $kids{$pid} } print "total $total\n";
socketpair my $left, my $right, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die $!;
if (!($child = fork)) { close $left; while (<$right>) { syswrite $right, uc } exit }
close $right; for (qw(alpha beta)) { syswrite $left, "$_\n"; print scalar <$left> }
shutdown $left, 1; waitpid $child, 0;
my $pid = open2 my $from, my $to, 'sort', '-n'; print {$to} "$_\n" for 30, 4, 100; close $to;
print join ',', map { chomp; $_ } <$from>; waitpid $pid, 0; print ' ', $?, "\n";
$pid = open3 my $in, my $out, my $error = gensym, 'sh', '-c', 'cat; echo wrong >&2; exit 5';
print {$in} "through\n"; close $in;
my $select = IO::Select->new($out, $error); my %got;
while (my @ready = $select->can_read(5)) {
    for my $handle (@ready) { sysread($handle, my $data, 4096) or do { $select->remove($handle); next };
        $got{$handle == $out ? 'out' : 'err'} .= $data } }
waitpid $pid, 0; print map({ "$_: $got{$_}" } sort keys %got), $? >> 8, "\n";
print `echo backticks; exit 2`, $? >> 8, "\n"; print system('false') >> 8, ' ', system('kill -9 $$') & 127, "\n";
open my $pipe, '-|', 'seq 3 | tac' or die; print map { chomp; "$_ " } <$pipe>; close $pipe; print "\n";
open $pipe, '|-', 'tr a-z A-Z' or die; print {$pipe} "shout\n"; close $pipe;
my $caught = 0; local $SIG{USR1} = sub { $caught++ }; kill USR1 => $$ for 1 .. 3; print "caught $caught\n";
local $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 10; }; print $@; alarm 0;
if (!($child = fork)) { sleep 100; exit } kill TERM => $child; waitpid $child, 0; print 'killed ', $? & 127, "\n";
if (!($child = fork)) { select undef, undef, undef, 0.2; exit 1 }
print waitpid($child, WNOHANG), ' '; waitpid $child, 0; print WEXITSTATUS($?), "\n";
local $SIG{CHLD} = 'IGNORE'; if (!($child = fork)) { exit } print waitpid($child, 0), ' ', $! + 0, "\n"; $SIG{CHLD} = 'DEFAULT';
local $SIG{PIPE} = 'IGNORE'; pipe $reader, $writer; close $reader; print defined syswrite($writer, 'x') ? 'written' : "$!", "\n";
socket my $server, AF_UNIX, SOCK_STREAM, 0; bind $server, sockaddr_un('sock') or die $!; listen $server, 5;
if (!($child = fork)) { socket my $client, AF_UNIX, SOCK_STREAM, 0; connect $client, sockaddr_un('sock') or die $!;
    syswrite $client, 'hello server'; exit }
accept my $peer, $server; sysread $peer, my $greeting, 100; print "$greeting\n"; waitpid $child, 0;
exec 'sh', '-c', 'echo replaced; exit 9';
