"""One exception class per exit code of the program; the text is its one line on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from varjoin.record import RunRecord


class VarjoinError(Exception):
    """The program ended with an error.

    ``str(error)`` is the line that a person reads; ``stderr`` the last of what was printed,
    ``record`` the run record where the program could still write one.
    """

    exit_code = 70

    def __init__(
        self,
        message: str,
        *,
        exit_code: int | None = None,
        stderr: str = "",
        record: RunRecord | None = None,
    ) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code
        self.stderr = stderr
        self.record = record

    @property
    def out_of_memory(self) -> bool:
        """Whether memory ran out, so that a smaller budget or another engine may do."""
        return False


class UsageError(VarjoinError):
    """Exit 1: the options contradict each other, or one is unknown."""

    exit_code = 1


class InputError(VarjoinError):
    """Exit 2: an input or a database is missing, damaged or not what it should be."""

    exit_code = 2


class OutputError(VarjoinError):
    """Exit 3: the output could not be written, or a resource ran out."""

    exit_code = 3

    @property
    def out_of_memory(self) -> bool:
        text = str(self).lower()
        return "memory" in text or "budget" in text


class PolicyError(VarjoinError):
    """Exit 4: the run finished, a promise did not hold (nothing matched, rows lost)."""

    exit_code = 4


class Cancelled(VarjoinError, KeyboardInterrupt):
    """Exit 130: the run was interrupted. Also a KeyboardInterrupt."""

    exit_code = 130


class BugError(VarjoinError):
    """Exit 70: a fault of the program itself."""

    exit_code = 70


class KilledError(VarjoinError):
    """The program was ended by a signal that it cannot answer (SIGKILL, SIGSEGV)."""

    exit_code = 137

    @property
    def out_of_memory(self) -> bool:
        # Nothing but the kernel's out-of-memory killer kills a run that nobody cancelled.
        return self.exit_code == 137


class BinaryNotFound(VarjoinError):
    """No varjoin program, or no library, where they are looked for."""

    exit_code = 127


_BY_EXIT_CODE: dict[int, type[VarjoinError]] = {
    cls.exit_code: cls
    for cls in (UsageError, InputError, OutputError, PolicyError, Cancelled, BugError)
}


def error_for(
    returncode: int, message: str, *, stderr: str = "", record: RunRecord | None = None
) -> VarjoinError:
    """The exception that belongs to a return code of subprocess (negative: a signal)."""
    if returncode < 0 or returncode > 130:
        code = 128 - returncode if returncode < 0 else returncode
        return KilledError(message, exit_code=code, stderr=stderr, record=record)
    cls = _BY_EXIT_CODE.get(returncode, VarjoinError)
    return cls(message, exit_code=returncode, stderr=stderr, record=record)
