"""The package's version, in one place: the build reads it from here, and so does a receipt."""

__all__ = ["__version__"]

__version__ = "0.1.0"
