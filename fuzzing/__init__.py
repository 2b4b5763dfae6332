"""Broken files for every reader: seeds, mutations, and a search for inputs that end in another error than InputError."""
