"""Conformance: what every margin model promises, run on any model that an installation finds.

A market and random books are made from a model's declaration; each promise is a function that fails
with an AssertionError. Seeded draws, no venue's data, no test framework: the same promises judge
the built-in models, those of other packages and a model that somebody is writing.
"""

__all__: list[str] = []
