"""Broken files for every reader: seeds, mutations, and a search for inputs that do not end in an InputError."""
