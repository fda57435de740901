"""Estimators with named conventions: quantiles and expected shortfall, variances, covariances.

Each function says which of the rival definitions it computes, so that a figure can be compared with
a venue's own.
"""

__all__: list[str] = []
