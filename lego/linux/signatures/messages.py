"""POSIX message queues, keys and asynchronous input and output. Source: section 2 of the manual pages."""

CALLS = """
mq_open             name:str oflag:|open mode:mode attr:<mq_attr = fd
mq_unlink           name:str
mq_timedsend        mqdes:fd msg_ptr:<char[msg_len] msg_len:size msg_prio:uint abs_timeout:<timespec
mq_timedreceive     mqdes:fd msg_ptr:>char[msg_len] msg_len:size msg_prio:>uint abs_timeout:<timespec
mq_notify           mqdes:fd sevp:<sigevent
mq_getsetattr       mqdes:fd newattr:<mq_attr oldattr:>mq_attr
add_key             type:str description:str payload:<char[plen] plen:size keyring:int
request_key         type:str description:str callout_info:str dest_keyring:int
keyctl              operation:uint arg2:hex arg3:hex arg4:hex arg5:hex
io_setup            nr_events:uint ctx_idp:<>ptr
io_destroy          ctx_id:hex
io_submit           ctx_id:hex nr:long iocbpp:addr
io_cancel           ctx_id:hex iocb:addr result:addr
io_getevents        ctx_id:hex min_nr:long nr:long events:addr timeout:<timespec
"""
