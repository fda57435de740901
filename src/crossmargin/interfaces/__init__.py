"""The faces: library verbs, command line and reports, thin over the same functions.

Nothing is computed here. A number shown by one face is the number of every other.
"""

__all__: list[str] = []
