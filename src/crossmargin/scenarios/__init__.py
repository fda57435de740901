"""What could be: shocks resolved to tables, and the book's instruments priced under each of them.

The product is the risk array, profit and loss by instrument and scenario, which every account then
reads: price once, net many.
"""

__all__: list[str] = []
