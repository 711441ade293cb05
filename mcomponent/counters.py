"""What a memory component counts."""

from __future__ import annotations

from lego.observe.counters import Counters, counter, keyed


class MemoryCounters(Counters):
    """Counters of one memory component; those that are called gauges are filled in when they are asked for."""

    requests: dict[str, int] = keyed("requests served, by message type")
    misses: int = counter("pages asked for by address (private memory and private file mappings)")
    miss_pages: int = counter("pages returned for them, those fetched ahead included")
    zero_pages: int = counter("zero pages handed out for anonymous memory without contents")
    flushes: int = counter("dirty private pages written back, the piggybacked ones included")
    piggybacked_flushes: int = counter("dirty private pages that came with a miss")
    dropped_flushes: int = counter("dirty pages dropped because their mapping was gone")
    cow_breaks: int = counter("frames copied because a page written back was shared after fork")
    stack_growths: int = counter("times that a stack grew downwards")
    object_misses: int = counter("requests for pages of a file or of shared anonymous memory")
    object_flushes: int = counter("dirty pages of files or of shared anonymous memory written back")
    page_cache_hits: int = counter("pages found in the page cache")
    page_cache_misses: int = counter("pages asked for that storage had to be read for")
    readahead_pages: int = counter("pages read from storage before they were asked for")
    uncached_pages: int = counter("pages read from storage that found no frame to stay in")
    writebacks: int = counter("dirty pages written to storage")
    writeback_errors: int = counter("dirty pages that storage refused to take")
    reclaimed_pages: int = counter("clean pages evicted from the page cache for want of frames")
    moved_pages: int = counter("pages carried to another memory component by mremap")
    out_of_memory: int = counter("requests refused with ENOMEM, for want of frames or of room in the layout")
    frames_total: int = counter("gauge: frames of 4 KiB in this component")
    frames_used: int = counter("gauge: frames that hold something, clean cached pages included")
    frames_free: int = counter("gauge: frames that hold nothing")
    frames_peak: int = counter("gauge: the most frames that were ever used at once")
    page_cache_pages: int = counter("gauge: frames of the page cache, shared anonymous memory included")
    page_cache_dirty: int = counter("gauge: dirty pages of files in the page cache")
    spaces: int = counter("gauge: address spaces whose home this is")
    owned_spaces: int = counter("gauge: address spaces that have a vRegion here")
    handles: int = counter("gauge: file handles held open for mappings")
