"""Calls on memory. Source: section 2 of the manual pages, include/linux/syscalls.h."""

CALLS = """
mmap                addr:addr length:size prot:|prot flags:|map fd:fd offset:hex = addr
munmap              addr:addr length:size
mprotect            addr:addr len:size prot:|prot
mremap              old_address:addr old_size:size new_size:size flags:|mremap new_address:addr = addr
brk                 addr:addr = addr
msync               addr:addr length:size flags:|msync
mincore             addr:addr length:size vec:>mincore[length]
madvise             addr:addr length:size advice:#madvise
process_madvise     pidfd:fd iovec:<iovec[vlen] vlen:size advice:#madvise flags:uint
mlock               addr:addr len:size
mlock2              addr:addr len:size flags:|mlock2
munlock             addr:addr len:size
mlockall            flags:|mlockall
munlockall
remap_file_pages    addr:addr size:size prot:|prot pgoff:size flags:|map
pkey_mprotect       addr:addr len:size prot:|prot pkey:int
pkey_alloc          flags:uint access_rights:uint
pkey_free           pkey:int
membarrier          cmd:#membarrier flags:uint cpu_id:int
process_vm_readv    pid:pid local_iov:<iovec_out[liovcnt] liovcnt:ulong remote_iov:<iovec_remote[riovcnt]
    riovcnt:ulong flags:ulong
process_vm_writev   pid:pid local_iov:<iovec[liovcnt] liovcnt:ulong remote_iov:<iovec_remote[riovcnt] riovcnt:ulong
    flags:ulong
set_mempolicy       mode:int nodemask:<ulong maxnode:ulong
get_mempolicy       mode:>int nodemask:>ulong maxnode:ulong addr:addr flags:hex
mbind               addr:addr len:size mode:int nodemask:<ulong maxnode:ulong flags:hex32
migrate_pages       pid:pid maxnode:ulong old_nodes:<ulong new_nodes:<ulong
move_pages          pid:pid count:ulong pages:<ptr[count] nodes:<int[count] status:>int[count] flags:hex32
shmget              key:hex32 size:size shmflg:|shmget
shmat               shmid:int shmaddr:addr shmflg:|shmat = addr
shmdt               shmaddr:addr
shmctl              shmid:int cmd:#shmctl buf:addr
shmctl/IPC_STAT     shmid:int cmd:#shmctl buf:>shmid_ds
shmctl/IPC_SET      shmid:int cmd:#shmctl buf:<shmid_ds
shmctl/SHM_STAT     shmid:int cmd:#shmctl buf:>shmid_ds
shmctl/SHM_STAT_ANY shmid:int cmd:#shmctl buf:>shmid_ds
shmctl/IPC_INFO     shmid:int cmd:#shmctl buf:>shminfo
shmctl/SHM_INFO     shmid:int cmd:#shmctl buf:>shm_info
semget              key:hex32 nsems:int semflg:|ipc
semop               semid:int sops:<sembuf[nsops] nsops:size
semtimedop          semid:int sops:<sembuf[nsops] nsops:size timeout:<timespec
semctl              semid:int semnum:int cmd:#semctl arg:ulong
semctl/IPC_STAT     semid:int semnum:int cmd:#semctl buf:>semid_ds
semctl/IPC_SET      semid:int semnum:int cmd:#semctl buf:<semid_ds
semctl/SEM_STAT     semid:int semnum:int cmd:#semctl buf:>semid_ds
semctl/SEM_STAT_ANY semid:int semnum:int cmd:#semctl buf:>semid_ds
semctl/IPC_INFO     semid:int semnum:int cmd:#semctl buf:>seminfo
semctl/SEM_INFO     semid:int semnum:int cmd:#semctl buf:>seminfo
semctl/GETALL       semid:int semnum:int cmd:#semctl array:>u16
semctl/SETALL       semid:int semnum:int cmd:#semctl array:<u16
semctl/SETVAL       semid:int semnum:int cmd:#semctl val:int
msgget              key:hex32 msgflg:|ipc
msgsnd              msqid:int msgp:<msgbuf[msgsz] msgsz:size msgflg:|msgflg
msgrcv              msqid:int msgp:>msgbuf[msgsz] msgsz:size msgtyp:long msgflg:|msgflg
msgctl              msqid:int cmd:#msgctl buf:addr
msgctl/IPC_STAT     msqid:int cmd:#msgctl buf:>msqid_ds
msgctl/IPC_SET      msqid:int cmd:#msgctl buf:<msqid_ds
msgctl/MSG_STAT     msqid:int cmd:#msgctl buf:>msqid_ds
msgctl/MSG_STAT_ANY msqid:int cmd:#msgctl buf:>msqid_ds
msgctl/IPC_INFO     msqid:int cmd:#msgctl buf:>msginfo
msgctl/MSG_INFO     msqid:int cmd:#msgctl buf:>msginfo
"""
