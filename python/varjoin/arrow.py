"""Parquet files as Arrow streams through the PyCapsule interface, without pyarrow.

``pl.from_arrow(varjoin.open_parquet(path))``, ``pyarrow.table(...)`` and ``duckdb.from_arrow``
take the object as it is; what they get is the memory that the C library decoded into.
"""

from __future__ import annotations

import ctypes
import os
import re
from typing import Any, Union

from varjoin._find import find_library
from varjoin.errors import BinaryNotFound, VarjoinError, error_for

StrPath = Union[str, "os.PathLike[str]"]

_STREAM_NAME = b"arrow_array_stream"
_ERROR_TEXT_BYTES = 1024


class _Error(ctypes.Structure):
    """vj_error of include/varjoin/status.h"""

    _fields_ = [("code", ctypes.c_int), ("text", ctypes.c_char * _ERROR_TEXT_BYTES)]


class _Stream(ctypes.Structure):
    """struct ArrowArrayStream"""

    _fields_ = [
        ("get_schema", ctypes.c_void_p),
        ("get_next", ctypes.c_void_p),
        ("get_last_error", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


class _ReadOptions(ctypes.Structure):
    """vj_parquet_read_options of include/varjoin/stream.h"""

    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("memory_bytes", ctypes.c_int64),
        ("ignore_checksums", ctypes.c_int),
    ]


class _WriteOptions(ctypes.Structure):
    """vj_parquet_write_options of include/varjoin/stream.h"""

    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("compression", ctypes.c_char_p),
        ("compat", ctypes.c_int),
        ("rows_per_rowgroup", ctypes.c_int64),
        ("memory_bytes", ctypes.c_int64),
    ]


_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

_library: ctypes.CDLL | None = None


def _load() -> ctypes.CDLL:
    global _library
    if _library is None:
        path = find_library()
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            raise BinaryNotFound(f"libvarjoin cannot be loaded: {error}; set VARJOIN_LIB") from None
        library.vj_parquet_stream_open.argtypes = [
            ctypes.c_char_p, ctypes.POINTER(_ReadOptions), ctypes.POINTER(_Stream), ctypes.POINTER(_Error),
        ]
        library.vj_parquet_stream_open.restype = ctypes.c_int
        library.vj_parquet_write.argtypes = [
            ctypes.POINTER(_Stream), ctypes.c_char_p, ctypes.POINTER(_WriteOptions), ctypes.POINTER(_Error),
        ]
        library.vj_parquet_write.restype = ctypes.c_int
        library.vj_stream_box.argtypes = [ctypes.POINTER(_Stream), ctypes.POINTER(_Error)]
        library.vj_stream_box.restype = ctypes.c_void_p
        library.vj_stream_box_free.argtypes = [ctypes.c_void_p]
        library.vj_stream_box_free.restype = None
        library.vj_status_exit_code.argtypes = [ctypes.c_int]
        library.vj_status_exit_code.restype = ctypes.c_int
        _library = library
    return _library


_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*$", re.IGNORECASE)


def _size_bytes(size: str | int | None) -> int:
    """``"256MB"`` as bytes; 0 for None."""
    if size is None:
        return 0
    if isinstance(size, int):
        return size
    match = _SIZE.match(size)
    if match is None:
        raise ValueError(f"expected a size such as '256MB', found {size!r}")
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** " kmgt".index(match[2].lower() or " "))


class ParquetStream:
    """The rows of a Parquet file, for whoever understands ``__arrow_c_stream__``.

    Each consumer starts at the first row. ``memory`` bounds what a stream and the batches that
    its consumer keeps may hold; a consumer that collects everything needs room for the table.
    ``checksums=False`` reads pages whose checksum differs too.
    """

    def __init__(self, path: StrPath, *, memory: str | int | None = None, checksums: bool = True) -> None:
        self.path = os.fspath(path)
        self._options = _ReadOptions(ctypes.sizeof(_ReadOptions), _size_bytes(memory), int(not checksums))
        # What is wrong with the file is said here, not in the middle of a consumer.
        _load().vj_stream_box_free(self._open())

    def _open(self) -> int:
        """Address of a stream on the heap."""
        library = _load()
        stream, error = _Stream(), _Error()
        code = library.vj_parquet_stream_open(
            os.fsencode(self.path), ctypes.byref(self._options), ctypes.byref(stream), ctypes.byref(error)
        )
        box: int | None = None
        if code == 0:
            box = library.vj_stream_box(ctypes.byref(stream), ctypes.byref(error))
        if box is None:
            raise _error_of(library, error)
        return box

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """A PyCapsule ``arrow_array_stream``; a requested schema is a wish that is not met."""
        library = _load()
        box = self._open()
        # In C: a capsule may go while an exception is on its way, when no Python code can run.
        destructor = ctypes.cast(library.vj_python_capsule_free, ctypes.c_void_p)
        try:
            return _new_capsule(box, _STREAM_NAME, destructor)
        except BaseException:
            library.vj_stream_box_free(box)
            raise

    def __repr__(self) -> str:
        return f"ParquetStream({self.path!r})"


def _error_of(library: ctypes.CDLL, error: _Error) -> VarjoinError:
    text = error.text.decode("utf-8", "replace")
    return error_for(library.vj_status_exit_code(error.code), text)


def open_parquet(
    path: StrPath, *, memory: str | int | None = None, checksums: bool = True
) -> ParquetStream:
    """A Parquet file as an Arrow stream. Raises InputError for one that cannot be read."""
    return ParquetStream(path, memory=memory, checksums=checksums)


def write_parquet(
    source: Any,
    path: StrPath,
    *,
    compression: str | None = None,
    compat: bool = False,
    rows_per_rowgroup: int = 0,
    memory: str | int | None = None,
) -> None:
    """
    Any table that has ``__arrow_c_stream__`` (pyarrow, Polars, DuckDB, ParquetStream) to a Parquet
    file, which appears whole or not at all.
    """
    library = _load()
    capsule = source.__arrow_c_stream__()
    address = _capsule_pointer(capsule, _STREAM_NAME)
    # The callee releases the stream where it stands, so the capsule finds nothing left to do.
    stream = ctypes.cast(address, ctypes.POINTER(_Stream))
    options = _WriteOptions(
        ctypes.sizeof(_WriteOptions),
        compression.encode() if compression is not None else None,
        int(compat),
        rows_per_rowgroup,
        _size_bytes(memory),
    )
    error = _Error()
    if library.vj_parquet_write(stream, os.fsencode(path), ctypes.byref(options), ctypes.byref(error)) != 0:
        raise _error_of(library, error)
