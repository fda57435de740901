"""The slow plain twin of the margin models: scalar Python, written from the specification alone.

It shares no code with the package (nothing here imports it, nor NumPy), so that agreement of the
two says something. Units: prices in quote currency, vols as fractions a year, life in milliseconds.
"""
