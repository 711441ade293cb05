"""The memory component: VMAs, page tables, frames, the page cache, and the loader of programs."""
