"""Black-76 price, Greeks, implied volatility, scenario revaluation and netting, as array kernels.

Functions take arrays of primitives and give arrays back; no object of the rooms above is known
here. Kernels are serial and release the interpreter lock; callers map blocks over threads.
"""

__all__: list[str] = []
