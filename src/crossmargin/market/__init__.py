"""What is known at one instant: an immutable snapshot, each value with its time, source and unit.

The snapshot is made coherent (one index and one forward per expiry), holes are filled by stated
rules and marked so, and every doubt is a verdict that the reader can see.
"""

__all__: list[str] = []
