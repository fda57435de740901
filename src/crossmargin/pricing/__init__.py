"""Black-76 price, Greeks, implied vol, revaluation and netting: array kernels, nothing else.

Arrays in, arrays out; no instrument, market or account is known here. Facades check shapes and
finite numbers and name the first bad cell; the raw kernels (``*_kernel.run``) check nothing.
Import from the modules: a command then compiles only the kernels that it uses.
"""

__all__: list[str] = []
