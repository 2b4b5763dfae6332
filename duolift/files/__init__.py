"""Reading and writing files: whole or not at all (`atomic`), one process at a time (`locking`), never a pipe or more
than was agreed to (`reading`), JSON item by item (`json_stream`), and NumPy's archives with nothing taken on trust
(`npz`)."""

from duolift.files.atomic import whole_file, write_bytes, write_text, writing
from duolift.files.locking import locked
from duolift.files.reading import opened, read_bytes, regular

__all__ = ["locked", "opened", "read_bytes", "regular", "whole_file", "write_bytes", "write_text", "writing"]
