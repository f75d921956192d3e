"""Partition keys ``user/sample``, the folders that belong to them, and the lock on an output.

Dagster accepts any text as a dynamic partition key, "../../etc", blanks, newlines and the empty
one among them; a key becomes a path here and nowhere else.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PARTITIONS_NAME = "user_vcf_files"
# Longest suffix first: "x.g.vcf.gz" is the sample "x".
VCF_SUFFIXES = (
    ".g.vcf.gz", ".g.vcf.bgz", ".vcf.gz", ".vcf.bgz", ".gvcf.gz", ".g.vcf", ".gvcf", ".vcf", ".bcf",
)
_MAX_NAME_BYTES = 200


class PartitionError(ValueError):
    """A key, a path or a lock that cannot be used; the text is for the user."""


@dataclass(frozen=True)
class Sample:
    user: str
    sample: str

    @property
    def key(self) -> str:
        return f"{self.user}/{self.sample}"


def parse_key(key: str) -> Sample:
    """The user and the sample of a partition key. Raises PartitionError."""
    user, slash, sample = key.partition("/")
    for what, name in (("user", user), ("sample", sample)):
        if not slash or name in ("", ".", ".."):
            raise PartitionError(
                f"partition key {key!r}: expected USER/SAMPLE, found {name!r} as the {what}"
            )
        if "\0" in name:
            raise PartitionError(f"partition key {key!r}: a NUL in the {what}")
    return Sample(user, sample)


def folder_name(name: str) -> str:
    """One path component for any text, different for different texts.

    Letters, digits, ``-``, ``_``, ``.`` (not first) and non-ASCII letters stay; all else is
    percent-encoded. A long name is cut and gets its hash.
    """
    kept = "".join(char for char in name if ord(char) > 127 and char.isalnum())
    text = "".join(
        char if char in kept else quote(char, safe="", errors="surrogatepass") for char in name
    ).replace("~", "%7E")
    if text.startswith("."):
        text = "%2E" + text[1:]
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) > _MAX_NAME_BYTES:
        digest = hashlib.sha256(raw).hexdigest()[:16]
        text = raw[: _MAX_NAME_BYTES - 20].decode("utf-8", "ignore") + "~" + digest
    return text


def sample_of_file(name: str) -> str | None:
    """The sample that a file name stands for; None for one that is no visible VCF or BCF."""
    lower = name.lower()
    for suffix in VCF_SUFFIXES:
        if lower.endswith(suffix) and len(name) > len(suffix) and not name.startswith("."):
            return name[: -len(suffix)]
    return None


def find_vcf(input_dir: Path, sample: Sample) -> Path:
    """The input file of a sample, by listing its user's folder: no key ever becomes a path."""
    found: list[Path] = []
    for user_entry in _scan(input_dir):
        if user_entry.name != sample.user or not user_entry.is_dir():
            continue
        for entry in _scan(Path(user_entry.path)):
            if sample_of_file(entry.name) == sample.sample and entry.is_file():
                found.append(Path(entry.path))
    if not found:
        raise PartitionError(f"no VCF or BCF of {sample.key!r} in {input_dir}")
    if len(found) > 1:
        names = ", ".join(sorted(path.name for path in found))
        raise PartitionError(f"more than one file of {sample.key!r}: {names}")
    return found[0]


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except NotADirectoryError:
        return []
    except OSError as error:
        raise PartitionError(f"input folder {folder}: {error.strerror}") from None


def list_samples(input_dir: Path) -> Iterator[tuple[Sample, os.stat_result]]:
    """Every USER/SAMPLE.vcf.gz and its like, in order, that can be a partition key."""
    for user_entry in _scan(input_dir):
        if user_entry.name.startswith(".") or not user_entry.is_dir():
            continue
        for entry in _scan(Path(user_entry.path)):
            name = sample_of_file(entry.name)
            if name is None or not entry.is_file():
                continue
            sample = Sample(user_entry.name, name)
            if _may_be_key(sample.key):
                yield sample, entry.stat()


def _may_be_key(key: str) -> bool:
    """Whether Dagster can carry the key: "..." and "," are syntax of its ranges."""
    return key.isprintable() and "..." not in key and "," not in key


class OutputFolder:
    """``ROOT/NAME/...``, made and entered step by step without following a link."""

    def __init__(self, root: Path, *names: str) -> None:
        self.path = root.joinpath(*names)
        root.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        fd = os.open(root, flags)
        try:
            for name in self.path.relative_to(root).parts:
                try:
                    os.mkdir(name, dir_fd=fd)
                except FileExistsError:
                    pass
                fd_next = os.open(name, flags | os.O_NOFOLLOW, dir_fd=fd)
                os.close(fd)
                fd = fd_next
        except OSError as error:
            raise PartitionError(f"output folder {self.path}: {error.strerror}") from None
        finally:
            self._fd = fd

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> "OutputFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def lock(self, name: str, holder: str, wait_seconds: float) -> Iterator[int]:
        """Hold the lock of one output; the engine gets the descriptor, and so keeps the lock
        for as long as it lives, whatever becomes of this process.

        Raises PartitionError naming the holder when it is not free within ``wait_seconds``.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(f".{name}.lock", flags, 0o644, dir_fd=self._fd)
        try:
            deadline = time.monotonic() + wait_seconds
            while not _try_lock(fd):
                if time.monotonic() >= deadline:
                    other = os.pread(fd, 200, 0).decode("utf-8", "replace").strip()
                    raise PartitionError(
                        f"{self.path / name} is being written by {other or 'another process'}"
                    )
                time.sleep(0.1)
            os.ftruncate(fd, 0)
            os.pwrite(fd, holder.encode("utf-8", "replace")[:200], 0)
            yield fd
        finally:
            os.close(fd)


class PartitionFolder(OutputFolder):
    """``ROOT/users/USER/SAMPLE``."""

    def __init__(self, root: Path, sample: Sample) -> None:
        super().__init__(root, "users", folder_name(sample.user), folder_name(sample.sample))


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
