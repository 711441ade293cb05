"""The ExCache: virtually indexed, virtually tagged, set-associative, managed in software.

`layout` says how its tables lie in memory, `callbacks` is what Unicorn calls on its hot path (`compiled` keeps it
compiled), `cache` is the rest: choosing victims, installing and dropping lines.
"""
