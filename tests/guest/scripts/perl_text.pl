# with: perl
# Regular expressions, sorting, hashes, closures, formats, local files, sprintf, pack, sorting of structures.
use strict;
use warnings;
use List::Util qw(sum max first reduce shuffle);
use POSIX qw(floor strftime fmod);

my $text = join '', map { chr(97 + $_ * 7 % 26) . ($_ % 5 ? '' : ' ') } 0 .. 400;
my %count;
$count{$_}++ for $text =~ /\b(\w+)\b/g;
printf "%-8s %d\n", $_, $count{$_} for (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 4];
(my $copy = $text) =~ s/(?<first>[aeiou])(\w)/\U$2$+{first}/g;
print substr($copy, 0, 60), "\n";
print join('|', split /(?<=o)(?=\w)/, substr $text, 0, 80), "\n";
print "balanced: $1\n" if '((a)(b(c)))x' =~ /^(\((?:[^()]++|(?1))*\))/;
my ($year, $month) = '2024-02-29' =~ /^(\d+)-(\d\d)/ or die;
print $year + $month, ' ', tr/a-z// // 0, "\n" for 'x';
my @people = map { {name => $_, length => length, vowels => tr/aeiou//} } qw(anna bertrand zoe kim ursula);
print join(' ', map { $_->{name} } sort { $a->{vowels} <=> $b->{vowels} or $a->{name} cmp $b->{name} } @people), "\n";
sub counter { my $n = shift; return sub { return $n++ } }
my ($one, $two) = (counter(5), counter(50));
print join(',', $one->(), $one->(), $two->(), $one->()), "\n";
print sum(1 .. 100), ' ', max(3, 9, 2), ' ', first { $_ > 3 } (1 .. 9); print ' ', reduce { $a * $b } 1 .. 10; print "\n";
printf "%s %.10g %e %x %o %b %s\n", 0.1 + 0.2, atan2(1, 1) * 4, 1 / 3, 255, 8, 5, 2**53;
print unpack('H*', pack('NnCa4q<', 0xdeadbeef, 513, 7, 'ab', -2)), "\n";
print strftime('%Y-%m-%d %H:%M:%S %j', gmtime 1_000_000_000), ' ', floor(-2.5), ' ', fmod(7, 3), "\n";
open my $out, '>', 'lines' or die $!;
print {$out} "line $_\n" for 1 .. 50;
close $out or die $!;
open my $in, '+<', 'lines' or die $!;
my @offsets; while (<$in>) { push @offsets, tell $in if /5/ }
seek $in, $offsets[0], 0; print scalar <$in>; print "$.\n"; close $in;
@ARGV = ('lines'); $^I = '.bak'; while (<>) { s/line/LINE/; print unless $. % 10 } $^I = undef;
print -s 'lines', ' ', -s 'lines.bak', ' ', (-e 'nothing' ? 1 : 0), "\n";
eval { die {code => 42} }; print "caught $@->{code}\n";
eval { my $zero = 0; print 1 / $zero }; print $@ =~ /division by zero/ ? "division\n" : "none\n";
local $SIG{__WARN__} = sub { print "warning: ", $_[0] =~ s/ at .*//sr, "\n" }; my $undefined; my $sum = 1 + $undefined;
print "wide: ", length "\x{263a}\x{e9}", ' ', join(' ', map { sprintf '%04x', ord } split //, "\N{U+3b1}b"), "\n";
my @sorted = sort { $a <=> $b } map { $_ * 7919 % 1009 } 1 .. 1000; print "@sorted[0, 1, 500, 999]\n";
my $string = ''; open my $memory, '>', \$string; print {$memory} 'in memory'; close $memory; print "$string\n";
format STDOUT =
@<<<<< @>>>>> @##.##
'left', 'right', 3.14159
.
write;
exit 3;
