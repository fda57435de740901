"""One adapter per venue, and the file formats: the only rooms' edge that knows payloads.

An adapter turns what a venue sends into instruments, a book or a snapshot, checks it on the way in,
and converts units and signs exactly once. Adapters do not know of each other.
"""

__all__: list[str] = []
