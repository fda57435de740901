"""A package outside crossmargin: one model, its parameter file, an entry point. See `models`."""
