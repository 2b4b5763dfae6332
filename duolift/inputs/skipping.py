"""What is left out of a source because it cannot be used, and what to say of it: files of a folder, people without
joints."""

from dataclasses import dataclass

from duolift.errors import InputError


@dataclass
class Skipped:
    """Counts what is left out.

    Attributes:
        strict: leave nothing out; raise instead.
        files: how many files could not be read.
        first_file: what is wrong with the first of them.
        people: how many people have no joints at all.
        first_person: where the first of them is.

    >>> skipped = Skipped()
    >>> skipped.person("a.json: image 7")
    >>> skipped.notes()
    ('1 person without any joints is left out, in a.json: image 7 (--strict refuses them)',)
    """

    strict: bool = False
    files: int = 0
    first_file: InputError | None = None
    people: int = 0
    first_person: str = ""

    def file(self, error: InputError) -> None:
        """Leave out a file, or the rest of it. Raises the error where nothing may be left out."""
        if self.strict:
            raise error
        self.files += 1
        self.first_file = self.first_file or error

    def person(self, where: str) -> None:
        """Leave out a person without joints. Raises InputError where nobody may be left out."""
        if self.strict:
            raise InputError(f"{where}: a person has no joints; expected x, y and confidence of every joint")
        self.people += 1
        self.first_person = self.first_person or where

    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        notes = []
        if self.files:
            several = self.files > 1
            found = f"{self.files} files are" if several else "1 file is"
            notes.append(f"{found} skipped{', the first' * several}: {self.first_file} (--strict refuses them)")
        if self.people:
            several = self.people > 1
            found = f"{self.people} people without any joints are" if several else "1 person without any joints is"
            first = "the first in" if several else "in"
            notes.append(f"{found} left out, {first} {self.first_person} (--strict refuses them)")
        return tuple(notes)
