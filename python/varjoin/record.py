"""The run record ``varjoin.run/1`` as objects (docs/report.md, docs/run.schema.json)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

SCHEMA = "varjoin.run/1"

_T = TypeVar("_T")


def _known(cls: type[_T], data: dict[str, Any]) -> _T:
    """A dataclass from the keys that it knows; a later version may add others."""
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    return cls(**{key: value for key, value in data.items() if key in names})


@dataclass(frozen=True)
class Metadata:
    """What Dagster shows, under the same names."""

    user_name: str | None = None
    sample_name: str | None = None
    sample_description: str | None = None
    sequencing_type: str | None = None
    species: str | None = None
    reference_genome: str | None = None
    source_vcf: str | None = None
    output_file: str | None = None
    file_size_mb: float | None = None
    num_rows: int | None = None
    num_columns: int | None = None
    compression: str | None = None
    engine: str | None = None
    duration_sec: float | None = None
    cpu_percent: float | None = None
    peak_memory_mb: float | None = None
    memory_delta_mb: float | None = None


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    origin: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Database:
    """One database: allele rows matched, and why the others were not."""

    name: str
    path: str | None = None
    release: str | None = None
    checksum: str | None = None
    files: int = 0
    bytes: int = 0
    rows: int | None = None
    row_groups: int | None = None
    row_groups_read: int | None = None
    rows_read: int | None = None
    matched_rows: int = 0
    matched_alleles: int = 0
    matched_records: int | None = None
    duplicates: str | None = None
    duplicate_keys: int | None = None
    warning: str | None = None
    unmatched: dict[str, int] = field(default_factory=dict)
    contigs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """One of several inputs of a sweep: its output, and what was matched in each database."""

    input: str
    output: str
    input_bytes: int | None = None
    records_in: int | None = None
    rows_in: int | None = None
    rows_joined: int | None = None
    rows_expected: int | None = None
    rows_out: int | None = None
    columns_out: int | None = None
    output_bytes: int | None = None
    content_hash: str | None = None
    databases: list[Database] = field(default_factory=list)


@dataclass(frozen=True)
class Stage:
    name: str
    parent: str | None = None
    calls: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    first_seconds: float = 0.0
    last_seconds: float = 0.0
    rows: int = 0
    bytes: int | None = None


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    severity: str
    text: str | None = None


@dataclass(frozen=True)
class RunRecord:
    """What a run did and what it cost; ``raw`` is the whole record as it was written."""

    raw: dict[str, Any]
    metadata: Metadata
    databases: list[Database]
    columns: list[Column]
    stages: list[Stage]
    checks: list[Check]
    warnings: list[str]
    samples: list[Sample] = field(default_factory=list)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> RunRecord:
        if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
            found = raw.get("schema") if isinstance(raw, dict) else type(raw).__name__
            raise ValueError(f"expected a run record {SCHEMA}, found {found!r}")
        return cls(
            raw=raw,
            metadata=_known(Metadata, raw.get("metadata") or {}),
            databases=[_known(Database, one) for one in raw.get("databases") or []],
            columns=[
                _known(Column, one)
                for one in (raw.get("output") or {}).get("column_schema") or []
            ],
            stages=[_known(Stage, one) for one in raw.get("stages") or []],
            checks=[_known(Check, one) for one in raw.get("checks") or []],
            warnings=list(raw.get("warnings") or []),
            samples=[
                _known(
                    Sample,
                    {**one, "databases": [_known(Database, d) for d in one.get("databases") or []]},
                )
                for one in raw.get("samples") or []
            ],
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RunRecord:
        """Read a file that ``--report`` wrote. Raises OSError or ValueError."""
        return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))

    @property
    def ok(self) -> bool:
        return self.raw.get("status") == "ok"

    @property
    def engine(self) -> str | None:
        return self.raw.get("engine")

    @property
    def engine_reason(self) -> str | None:
        return self.raw.get("engine_reason")

    @property
    def error(self) -> str | None:
        return self.raw.get("error")

    @property
    def output_path(self) -> str | None:
        return (self.raw.get("output") or {}).get("path")

    @property
    def content_hash(self) -> str | None:
        return (self.raw.get("output") or {}).get("content_hash")

    @property
    def rows(self) -> dict[str, Any]:
        return dict(self.raw.get("rows") or {})

    @property
    def resources(self) -> dict[str, Any]:
        return dict(self.raw.get("resources") or {})

    def database(self, name: str) -> Database:
        for one in self.databases:
            if one.name == name:
                return one
        raise KeyError(f"no database {name!r}; there are {[d.name for d in self.databases]}")

    def __repr__(self) -> str:
        m = self.metadata
        return (
            f"RunRecord({self.raw.get('verb')}, {'ok' if self.ok else 'failed'}, "
            f"engine={m.engine}, rows={m.num_rows}, duration_sec={m.duration_sec}, "
            f"peak_memory_mb={m.peak_memory_mb})"
        )
