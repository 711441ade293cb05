# with: tclsh
# Lists, dictionaries, procedures, files, pipes, events, coroutines.
proc fib {n} { expr {$n < 2 ? $n : [fib [expr {$n - 1}]] + [fib [expr {$n - 2}]]} }
puts "[fib 15] [lsort -integer {5 3 10 1}] [lmap x {1 2 3} {expr {$x ** 2}}]"
set d [dict create a 1 b 2]; dict incr d a 5; dict for {k v} $d {puts "$k=$v"}
puts [regsub -all {(\w)(\w)} "hello world" {\2\1}]
puts [string map {a A e E} "banana bread"]
puts [expr {2**100}] ; puts [format %08.3f|%-6s|%x 3.14159 ab 255]
set file [open data w]; for {set i 0} {$i < 100} {incr i} {puts $file "line $i"}; close $file
set file [open data]; seek $file 100; gets $file; puts [gets $file]; close $file; puts [file size data]
puts [exec sort -r << "b\na\nc" | head -n 2]
puts [catch {exec sh -c {echo bad >&2; exit 3}} message options]; puts $message; puts [lindex [dict get $options -errorcode] 2]
set pipe [open "|cat" r+]; fconfigure $pipe -buffering line; puts $pipe hello; puts [gets $pipe]; close $pipe
after 30 {lappend log thirty}; after 10 {lappend log ten}; after 50 {set done 1}; vwait done; puts $log
coroutine next apply {{} {yield; for {set i 0} {1} {incr i} {yield [expr {$i * $i}]}}}
puts "[next] [next] [next]"
set pipe [open "|seq 5"]; fileevent $pipe readable {if {[gets $pipe line] < 0} {close $pipe; set finished 1} else {lappend got $line}}
vwait finished; puts $got
puts [clock format 1000000000 -gmt 1 -format {%Y-%m-%d %H:%M:%S}]
try {error oops} on error {text} {puts "caught $text"} finally {puts finally}
namespace eval n {variable v 3; proc get {} {variable v; incr v}}; n::get; puts [n::get]
exit 4
