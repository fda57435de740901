"""What must be held: the margin models, their dated parameters and the requirement sheet.

A family holds the algorithm; a member is a parameter file and a small final class that composes
it. The answer is a sheet whose columns are leaves with a rule and a source, or operators over
columns, so every total can be walked back to the numbers that made it.
"""

__all__: list[str] = []
