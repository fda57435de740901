"""The package against published and recorded numbers; the cases come from the files given."""
