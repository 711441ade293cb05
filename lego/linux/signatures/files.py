"""Calls on files, directories and descriptors. Source: section 2 of the manual pages, include/linux/syscalls.h."""

CALLS = """
read                fd:fd buf:>char[count] count:size
write               fd:fd buf:<char[count] count:size
pread64             fd:fd buf:>char[count] count:size offset:off
pwrite64            fd:fd buf:<char[count] count:size offset:off
readv               fd:fd iov:<iovec_out[iovcnt] iovcnt:ulong
writev              fd:fd iov:<iovec[iovcnt] iovcnt:ulong
preadv              fd:fd iov:<iovec_out[iovcnt] iovcnt:ulong offset:off high:none
pwritev             fd:fd iov:<iovec[iovcnt] iovcnt:ulong offset:off high:none
preadv2             fd:fd iov:<iovec_out[iovcnt] iovcnt:ulong offset:off high:none flags:|rwf
pwritev2            fd:fd iov:<iovec[iovcnt] iovcnt:ulong offset:off high:none flags:|rwf
open                pathname:path flags:|open mode:mode = fd
openat              dirfd:atfd pathname:path flags:|open mode:mode = fd
openat2             dirfd:atfd pathname:path how:<open_how[size] size:size = fd
creat               pathname:path mode:mode = fd
close               fd:fd
close_range         first:uint last:uint flags:|close_range
stat                pathname:path statbuf:>stat
lstat               pathname:path statbuf:>stat
fstat               fd:fd statbuf:>stat
newfstatat          dirfd:atfd pathname:path statbuf:>stat flags:|at
statx               dirfd:atfd pathname:path flags:|at mask:|statx statxbuf:>statx
statfs              path:path buf:>statfs
fstatfs             fd:fd buf:>statfs
ustat               dev:dev ubuf:>ustat
access              pathname:path mode:|access
faccessat           dirfd:atfd pathname:path mode:|access
faccessat2          dirfd:atfd pathname:path mode:|access flags:|at_eaccess
lseek               fd:fd offset:off whence:#whence = off
truncate            path:path length:off
ftruncate           fd:fd length:off
fallocate           fd:fd mode:|falloc offset:off len:off
fadvise64           fd:fd offset:off len:off advice:#fadvise
readahead           fd:fd offset:off count:size
fsync               fd:fd
fdatasync           fd:fd
sync
syncfs              fd:fd
sync_file_range     fd:fd offset:off nbytes:off flags:|sync_file_range
getdents            fd:fd dirp:>dirents_old[count] count:uint
getdents64          fd:fd dirp:>dirents[count] count:uint
getcwd              buf:>cwd[size] size:size
chdir               path:path
fchdir              fd:fd
chroot              path:path
mkdir               pathname:path mode:mode
mkdirat             dirfd:atfd pathname:path mode:mode
rmdir               pathname:path
link                oldpath:path newpath:path
linkat              olddirfd:atfd oldpath:path newdirfd:atfd newpath:path flags:|at_link
symlink             target:path linkpath:path
symlinkat           target:path newdirfd:atfd linkpath:path
readlink            pathname:path buf:>char[bufsiz] bufsiz:int
readlinkat          dirfd:atfd pathname:path buf:>char[bufsiz] bufsiz:int
unlink              pathname:path
unlinkat            dirfd:atfd pathname:path flags:|at_unlink
rename              oldpath:path newpath:path
renameat            olddirfd:atfd oldpath:path newdirfd:atfd newpath:path
renameat2           olddirfd:atfd oldpath:path newdirfd:atfd newpath:path flags:|rename
mknod               pathname:path mode:umode dev:dev
mknodat             dirfd:atfd pathname:path mode:umode dev:dev
chmod               pathname:path mode:mode
fchmod              fd:fd mode:mode
fchmodat            dirfd:atfd pathname:path mode:mode
fchmodat2           dirfd:atfd pathname:path mode:mode flags:|at
chown               pathname:path owner:id group:id
lchown              pathname:path owner:id group:id
fchown              fd:fd owner:id group:id
fchownat            dirfd:atfd pathname:path owner:id group:id flags:|at
umask               mask:mode = oct
utime               filename:path times:<utimbuf
utimes              filename:path times:<timeval[2]
futimesat           dirfd:atfd pathname:path times:<timeval[2]
utimensat           dirfd:atfd pathname:path times:<utimespec[2] flags:|at
setxattr            path:path name:str value:<char[size] size:size flags:|xattr
lsetxattr           path:path name:str value:<char[size] size:size flags:|xattr
fsetxattr           fd:fd name:str value:<char[size] size:size flags:|xattr
getxattr            path:path name:str value:>char[size] size:size
lgetxattr           path:path name:str value:>char[size] size:size
fgetxattr           fd:fd name:str value:>char[size] size:size
listxattr           path:path list:>char[size] size:size
llistxattr          path:path list:>char[size] size:size
flistxattr          fd:fd list:>char[size] size:size
removexattr         path:path name:str
lremovexattr        path:path name:str
fremovexattr        fd:fd name:str
name_to_handle_at   dirfd:atfd pathname:path handle:<>file_handle mount_id:>int flags:|at_link
open_by_handle_at   mount_fd:fd handle:<file_handle flags:|open = fd
dup                 oldfd:fd = fd
dup2                oldfd:fd newfd:fd = fd
dup3                oldfd:fd newfd:fd flags:|open_only = fd
fcntl               fd:fd cmd:#fcntl arg:ulong
fcntl/F_DUPFD       fd:fd cmd:#fcntl arg:uint = fd
fcntl/F_DUPFD_CLOEXEC  fd:fd cmd:#fcntl arg:uint = fd
fcntl/F_GETFD       fd:fd cmd:#fcntl = flags fd
fcntl/F_SETFD       fd:fd cmd:#fcntl arg:|fd
fcntl/F_GETFL       fd:fd cmd:#fcntl = flags open
fcntl/F_SETFL       fd:fd cmd:#fcntl arg:|open
fcntl/F_GETLK       fd:fd cmd:#fcntl lock:<>flock_found
fcntl/F_SETLK       fd:fd cmd:#fcntl lock:<flock
fcntl/F_SETLKW      fd:fd cmd:#fcntl lock:<flock
fcntl/F_OFD_GETLK   fd:fd cmd:#fcntl lock:<>flock_found
fcntl/F_OFD_SETLK   fd:fd cmd:#fcntl lock:<flock
fcntl/F_OFD_SETLKW  fd:fd cmd:#fcntl lock:<flock
fcntl/F_SETOWN      fd:fd cmd:#fcntl arg:pid
fcntl/F_GETOWN      fd:fd cmd:#fcntl
fcntl/F_SETSIG      fd:fd cmd:#fcntl arg:sig
fcntl/F_GETSIG      fd:fd cmd:#fcntl
fcntl/F_SETOWN_EX   fd:fd cmd:#fcntl owner:<f_owner_ex
fcntl/F_GETOWN_EX   fd:fd cmd:#fcntl owner:>f_owner_ex
fcntl/F_SETLEASE    fd:fd cmd:#fcntl arg:#lease
fcntl/F_GETLEASE    fd:fd cmd:#fcntl
fcntl/F_NOTIFY      fd:fd cmd:#fcntl arg:|notify
fcntl/F_GETPIPE_SZ  fd:fd cmd:#fcntl
fcntl/F_SETPIPE_SZ  fd:fd cmd:#fcntl arg:int
fcntl/F_GET_SEALS   fd:fd cmd:#fcntl = flags seal
fcntl/F_ADD_SEALS   fd:fd cmd:#fcntl arg:|seal
fcntl/F_GET_RW_HINT fd:fd cmd:#fcntl hint:>ulong
fcntl/F_SET_RW_HINT fd:fd cmd:#fcntl hint:<ulong
flock               fd:fd operation:|flock
ioctl               fd:fd request:#ioctl arg:hex
ioctl/TCGETS        fd:fd request:#ioctl arg:>termios
ioctl/TCSETS        fd:fd request:#ioctl arg:<termios
ioctl/TCSETSW       fd:fd request:#ioctl arg:<termios
ioctl/TCSETSF       fd:fd request:#ioctl arg:<termios
ioctl/TCGETS2       fd:fd request:#ioctl arg:>termios2
ioctl/TCSETS2       fd:fd request:#ioctl arg:<termios2
ioctl/TCSETSW2      fd:fd request:#ioctl arg:<termios2
ioctl/TCSETSF2      fd:fd request:#ioctl arg:<termios2
ioctl/TIOCGWINSZ    fd:fd request:#ioctl arg:>winsize
ioctl/TIOCSWINSZ    fd:fd request:#ioctl arg:<winsize
ioctl/TIOCGPGRP     fd:fd request:#ioctl arg:>int
ioctl/TIOCSPGRP     fd:fd request:#ioctl arg:<int
ioctl/TIOCGSID      fd:fd request:#ioctl arg:>int
ioctl/TIOCOUTQ      fd:fd request:#ioctl arg:>int
ioctl/TIOCGPTN      fd:fd request:#ioctl arg:>int
ioctl/TIOCSPTLCK    fd:fd request:#ioctl arg:<int
ioctl/TIOCGPTLCK    fd:fd request:#ioctl arg:>int
ioctl/FIONREAD      fd:fd request:#ioctl arg:>int
ioctl/FIONBIO       fd:fd request:#ioctl arg:<int
ioctl/FIOASYNC      fd:fd request:#ioctl arg:<int
ioctl/FIOQSIZE      fd:fd request:#ioctl arg:>long
ioctl/FIGETBSZ      fd:fd request:#ioctl arg:>int
ioctl/FIOCLEX       fd:fd request:#ioctl
ioctl/FIONCLEX      fd:fd request:#ioctl
ioctl/TIOCSCTTY     fd:fd request:#ioctl arg:int
ioctl/TIOCNOTTY     fd:fd request:#ioctl
ioctl/TCSBRK        fd:fd request:#ioctl arg:int
ioctl/TCXONC        fd:fd request:#ioctl arg:int
ioctl/TCFLSH        fd:fd request:#ioctl arg:int
ioctl/TIOCGPTPEER   fd:fd request:#ioctl arg:|open = fd
pipe                pipefd:>fds[2]
pipe2               pipefd:>fds[2] flags:|open_only
splice              fd_in:fd off_in:<>off fd_out:fd off_out:<>off len:size flags:|splice
tee                 fd_in:fd fd_out:fd len:size flags:|splice
vmsplice            fd:fd iov:<iovec[nr_segs] nr_segs:ulong flags:|splice
sendfile            out_fd:fd in_fd:fd offset:<>off count:size
copy_file_range     fd_in:fd off_in:<>off fd_out:fd off_out:<>off len:size flags:uint
poll                fds:<>pollfd[nfds] nfds:uint timeout:int
ppoll               fds:<>pollfd[nfds] nfds:uint tmo_p:<>timespec sigmask:<sigset[sigsetsize] sigsetsize:size
select              nfds:int readfds:<>fd_set[nfds] writefds:<>fd_set[nfds] exceptfds:<>fd_set[nfds] timeout:<>timeval
pselect6            nfds:int readfds:<>fd_set[nfds] writefds:<>fd_set[nfds] exceptfds:<>fd_set[nfds]
    timeout:<>timespec sigmask:<sigmask_arg
epoll_create        size:int = fd
epoll_create1       flags:|epoll_create = fd
epoll_ctl           epfd:fd op:#epoll_ctl fd:fd event:<epoll_event
epoll_ctl/EPOLL_CTL_DEL  epfd:fd op:#epoll_ctl fd:fd event:addr
epoll_wait          epfd:fd events:>epoll_event[maxevents] maxevents:int timeout:int
epoll_pwait         epfd:fd events:>epoll_event[maxevents] maxevents:int timeout:int sigmask:<sigset[sigsetsize]
    sigsetsize:size
epoll_pwait2        epfd:fd events:>epoll_event[maxevents] maxevents:int timeout:<timespec sigmask:<sigset[sigsetsize]
    sigsetsize:size
eventfd             initval:uint = fd
eventfd2            initval:uint flags:|eventfd = fd
memfd_create        name:str flags:|memfd = fd
inotify_init = fd
inotify_init1       flags:|open_only = fd
inotify_add_watch   fd:fd pathname:path mask:|inotify
inotify_rm_watch    fd:fd wd:int
quotactl            cmd:hex32 special:path id:id addr:addr
mount               source:path target:path filesystemtype:str mountflags:hex data:addr
umount2             target:path flags:|umount
pivot_root          new_root:path put_old:path
fsopen              fsname:str flags:hex32
fsmount             fs_fd:fd flags:hex32 attr_flags:hex32
fspick              dirfd:atfd pathname:path flags:hex32
move_mount          from_dfd:atfd from_pathname:path to_dfd:atfd to_pathname:path flags:hex32
"""
