"""The checks. Helpers that several tests share are imported as ``tests.<name>``."""
