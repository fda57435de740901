"""What is held: contracts, their names at each venue, and the book.

A contract is one row of `Instruments`, in canonical order; a book is positions, balances and open
orders of one account or a population. Quantities are converted from a venue's unit once, on the
way in.
"""

__all__: list[str] = []
