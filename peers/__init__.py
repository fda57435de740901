"""The classical models run beside other people's software, and what the two say of each other.

Nothing of the package imports this folder, and nothing of the peers is shipped: ``make peers`` sets
up an environment of its own. Every comparison is a line of :class:`peers.report.Line`.
"""
