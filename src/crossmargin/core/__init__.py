"""What every room stands on: the error tree, read-only arrays, and the named doors to the world.

Pure rooms meet time, threads and the kernel cache through a door here and nowhere else, so that a
result depends on its inputs alone. Nothing in this room knows what an instrument or a margin is.
"""

__all__: list[str] = []
