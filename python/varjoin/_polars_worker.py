"""The Polars engine's worker: one join, told as JSON on standard input, run in its own process.

Runs in a freshly executed interpreter that has Polars; imports nothing of this package. The
program carries this file inside and hands it to `python -c`. Events go to standard output, one
JSON object a line: {"event": "started" | "stage" | "done" | "error", ...}.

The join (docs/semantics.md S-24 ... S-40), in two steps so that memory follows the sample:
  1. one streaming scan of the database keeps the rows that share contig and start (or the other
     join columns) with the sample; everything else of a row group is dropped as it is read
  2. on those few rows alleles are expanded, trimmed, folded and compared; pairs are ordered by
     sample row and database row and joined to both sides
"""

import gc
import json
import os
import sys
import time

ROW = "__vj_row"
KEYS = ["__vj_contig", "__vj_pos", "__vj_ref", "__vj_alt"]


def emit(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class JobError(Exception):
    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def kind_of(error):
    """A full disk is not the input's fault."""
    text = str(error)
    return "output" if "No space left on device" in text or "os error 28" in text else "polars"


def first_line(error):
    text = (str(error).strip() or repr(error)).splitlines()[0]
    return f"{type(error).__name__}: {text}"[:600]


def letters(text):
    return text.isascii() and text.isalpha()


def trim_suffix(ref, alt):
    """Bases shared at the end go, one stays in each; start is not moved (S-31)."""
    n = 0
    while n < len(ref) - 1 and n < len(alt) - 1 and ref[-1 - n] == alt[-1 - n]:
        n += 1
    return (ref[: len(ref) - n], alt[: len(alt) - n]) if n else (ref, alt)


def expand(pl, found):
    """Candidates of database rows: columns __vj_i, contig, pos, ref, alt; one row per ALT.

    An ALT that is null or not letters matches nothing; the row still tells its REF (S-42).
    """
    if found.schema["__vj_a"].base_type() == pl.List:
        is_several = (pl.col("__vj_a").list.len() > 1).fill_null(False)
        several = found.filter(is_several)
        single = found.filter(~is_several).with_columns(pl.col("__vj_a").list.first())
        split = several
    else:
        joined = pl.col("__vj_a").str.contains("[,|]").fill_null(False)
        single = found.filter(~joined)
        several = found.filter(joined)
        split = several.with_columns(pl.col("__vj_a").str.replace_all(",", "|").str.split("|"))
    single = single.with_columns(
        pl.col("__vj_r").str.to_uppercase(), pl.col("__vj_a").str.to_uppercase()
    )
    if several.height == 0:
        return single
    refs, alts, index = [], [], []
    for i, (ref, many) in enumerate(zip(split["__vj_r"].to_list(), split["__vj_a"].to_list())):
        for alt in many:
            ref_one, alt_one = ref and ref.upper(), None
            if ref and alt and letters(alt):
                ref_one, alt_one = trim_suffix(ref_one, alt.upper())
            refs.append(ref_one)
            alts.append(alt_one)
            index.append(i)
    parts = split.drop("__vj_r", "__vj_a")[index].with_columns(
        pl.Series("__vj_r", refs, dtype=pl.String), pl.Series("__vj_a", alts, dtype=pl.String)
    )
    return pl.concat([single, parts.select(single.columns)], how="vertical")


def database_keys(pl, db, schema, left):
    """The sample's distinct join values as the database spells them: frame, names, db names."""
    names, db_names, columns = [], [], []
    if db["key_contig"]:
        names.append("__vj_contig")
    if db["key_pos"]:
        names.append("__vj_pos")
    columns = names + [pair["left"] for pair in db["pairs"]]
    keys = left.select(list(dict.fromkeys(columns))).drop_nulls().unique()
    exprs = []
    if db["key_contig"]:
        spellings = pl.DataFrame(
            {
                "__vj_raw": [c["raw"] for c in db["contigs"]],
                "__vj_contig": [c["canonical"] for c in db["contigs"]],
            },
            schema={"__vj_raw": pl.String, "__vj_contig": pl.String},
        )
        keys = keys.join(spellings.lazy(), on="__vj_contig", how="inner")
        exprs.append(pl.col("__vj_raw").alias("__vj_k0"))
        db_names.append(db["chrom"])
    if db["key_pos"]:
        shift = 1 if db["start_base"] == 0 else 0
        exprs.append(
            (pl.col("__vj_pos") - shift).cast(schema[db["start"]], strict=False).alias("__vj_k1")
        )
        db_names.append(db["start"])
    for i, pair in enumerate(db["pairs"]):
        left_type = left.collect_schema()[pair["left"]]
        db_type = schema[pair["db"]]
        column = pl.col(pair["left"])
        if left_type != db_type:
            if left_type.is_numeric() != db_type.is_numeric():
                raise JobError(
                    "schema",
                    f"--join-columns: {pair['left']} is {left_type} in the sample and {db_type} "
                    f"in database {db['name']}",
                )
            column = column.cast(db_type, strict=False)
        exprs.append(column.alias(f"__vj_p{i}"))
        db_names.append(pair["db"])
    keys = keys.select(exprs).drop_nulls().collect()
    return keys, db_names


def scan_files(pl, db):
    """The database's files by the union of their columns; without it Polars takes those of the first.

    A column that none of the files at hand has, for it stands in files that are not needed, is null.
    Where files store a column in different types, each is scanned by itself and cast to one.
    """
    schema, unlike = {}, set()
    wanted = {} if "layout" in db else {c["source"]: polars_type(pl, c["type"]) for c in db["payload"]}
    files = [pl.read_parquet_schema(path) for path in db["paths"]]
    for found in files:
        for name, dtype in found.items():
            known = schema.get(name, pl.Null)
            if known == pl.Null:
                schema[name] = dtype
            elif dtype not in (known, pl.Null):
                unlike.add(name)
    for name, dtype in wanted.items():
        schema.setdefault(name, dtype)
    options = {"row_index_name": "__vj_i", "hive_partitioning": False, "glob": False}
    if not unlike:
        return pl.scan_parquet(
            db["paths"], missing_columns="insert", extra_columns="ignore", schema=schema, **options
        )
    for name in unlike:
        schema[name] = wanted.get(name, pl.Int64 if schema[name].is_integer() else schema[name])
    scans, offset = [], 0
    for path, found in zip(db["paths"], files):
        columns = [
            (pl.col(name) if name in found else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in schema.items()
        ]
        scans.append(pl.scan_parquet(path, row_index_offset=offset, **options).select("__vj_i", *columns))
        offset += pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
    return pl.concat(scans)


def logical_columns(pl, layout):
    """Expressions that give a tuned database's columns their own names and types.

    layout is the JSON of the files' key-value varjoin.layout (docs/formats.md).
    """
    by_name = {column["name"]: column for column in layout["columns"]}
    both = pl.col(by_name[layout["ref"]]["column"]).str.split_exact("\t", 1)
    ref, alt = both.struct.field("field_0"), both.struct.field("field_1")
    span = pl.col(layout["start"]).cast(pl.Int64) + ref.str.len_bytes().cast(pl.Int64)

    def meaning(column, means):
        if means is None:
            return pl.lit(None)
        if means == "ref":
            return ref
        if means == "alt":
            return alt
        if means == "side":
            return pl.col(column["side"])
        return span + means["span"] if "span" in means else pl.lit(means["value"])

    def packed(column, dtype):
        code = (pl.col(column["column"]).cast(pl.Int64) // (1 << column["shift"])) % (
            1 << column["bits"]
        )
        plain = [None if m is None else m["value"] for m in column["means"]
                 if m is None or (isinstance(m, dict) and "value" in m)]
        if len(plain) == len(column["means"]):
            return code.replace_strict(list(range(len(plain))), plain, return_dtype=dtype)
        chain = pl
        for i, means in enumerate(column["means"]):
            chain = chain.when(code == i).then(meaning(column, means).cast(dtype))
        return chain.otherwise(None)

    def one(column):
        how = column["how"]
        if how == "column":
            return pl.col(column["name"])
        if how in ("ref", "alt"):
            return ref if how == "ref" else alt
        dtype = polars_type(pl, column["type"])
        if how == "constant":
            return pl.lit(column["value"], dtype=dtype)
        if how == "prefixed":
            number = pl.col(column["column"])
            rest = pl.col(column["side"]) if "side" in column else pl.lit(None, dtype=dtype)
            named = pl.concat_str(pl.lit(column["prefix"]), number.cast(pl.String))
            return pl.when(number != 0).then(named).otherwise(rest)
        return packed(column, dtype)

    return [one(column).alias(column["name"]) for column in layout["columns"]]


def scan_database(pl, db, left):
    """Rows of the database that share the join columns with the sample, payload included.

    __vj_i tells their order in the database and where they are in this table.
    """
    scan = scan_files(pl, db)
    stored, logical = None, None
    if "layout" in db:
        logical = {c["name"]: e for c, e in
                   zip(db["layout"]["columns"], logical_columns(pl, db["layout"]))}
        stored = {c["name"] for c in db["layout"]["columns"] if c["how"] == "column"}
        late = {db["chrom"], db["start"], *(pair["db"] for pair in db["pairs"])} <= stored
        if not late:  # joined by a column that has to be made first
            scan = scan.select("__vj_i", *logical.values())
            logical = None
    schema = scan.collect_schema()
    # Polars reads its own dictionaries as categories, which are no text to a join
    texts = [n for n, t in schema.items() if t.base_type() in (pl.Categorical, pl.Enum)]
    if texts:
        scan = scan.with_columns(pl.col(texts).cast(pl.String))
        schema = scan.collect_schema()
    keys, db_names = database_keys(pl, db, schema, left)
    if db["key_pos"] and keys.height > 0:
        # Bounds leave out row groups. The set is what the reader can hold a column against before
        # it decodes the others (the join below can not): a half of the CPU, a third of the memory.
        starts = keys["__vj_k1"].unique()
        scan = scan.filter(
            pl.col(db["start"]).is_between(starts.min(), starts.max())
            & pl.col(db["start"]).is_in(starts.implode())
        )
    payload = [c["source"] for c in db["payload"]]
    needed = list(dict.fromkeys(payload + db_names + ([db["ref"], db["alt"]] if db["key_alleles"] else [])))
    if logical is None:
        scan = scan.select("__vj_i", *needed)
    if keys.width > 0:
        scan = scan.join(
            keys.lazy(), left_on=db_names, right_on=keys.columns, how="semi", nulls_equal=False
        )
    if logical is not None:  # of the few rows that are left
        scan = scan.select("__vj_i", *[logical[name] for name in needed])
    found = scan.collect(engine="streaming")
    if not found["__vj_i"].is_sorted():
        found = found.sort("__vj_i")
    return found.drop("__vj_i").with_row_index("__vj_i")


def pair_rows(pl, db, left, found):
    """(sample row, database row) pairs that match, each once, database order inside a row.

    Also the sample's rows that have a whole key, and a function that gives those of them which
    share a part of it with some candidate.
    """
    shift = 1 if db["start_base"] == 0 else 0
    exprs = [pl.col("__vj_i")]
    left_on, right_on = [], []
    if db["key_contig"]:
        names = {c["raw"]: c["canonical"] for c in db["contigs"]}
        exprs.append(
            pl.col(db["chrom"]).replace_strict(names, default=None, return_dtype=pl.String).alias("__vj_c")
        )
        left_on.append("__vj_contig")
        right_on.append("__vj_c")
    if db["key_pos"]:
        exprs.append((pl.col(db["start"]).cast(pl.Int64) + shift).alias("__vj_s"))
        left_on.append("__vj_pos")
        right_on.append("__vj_s")
    for i, pair in enumerate(db["pairs"]):
        exprs.append(pl.col(pair["db"]).alias(f"__vj_q{i}"))
        left_on.append(pair["left"])
        right_on.append(f"__vj_q{i}")
    if db["key_alleles"]:
        exprs += [pl.col(db["ref"]).alias("__vj_r"), pl.col(db["alt"]).alias("__vj_a")]
    candidates = found.select(exprs)
    if db["key_alleles"]:
        candidates = expand(pl, candidates)
        left_on += ["__vj_ref", "__vj_alt"]
        right_on += ["__vj_r", "__vj_a"]
    keys = left.select(list(dict.fromkeys([ROW] + left_on))).drop_nulls().collect(engine="streaming")
    types = keys.schema
    casts = [
        pl.col(r).cast(types[l], strict=False)
        for l, r in zip(left_on, right_on)
        if candidates.schema[r] != types[l]
    ]
    candidates = candidates.with_columns(casts)
    if candidates.height > found.height:  # ALTs of one row stand apart and may be trimmed alike
        candidates = candidates.unique().sort("__vj_i")
    # both sides are in their order already: kept, it need not be made again
    pairs = keys.lazy().join(
        candidates.lazy(), left_on=left_on, right_on=right_on, how="inner", nulls_equal=False,
        maintain_order="left_right",
    )
    pairs = pairs.select(ROW, "__vj_i").collect()
    n_place = len(left_on) - (2 if db["key_alleles"] else 0)

    def near(rows, n_more):
        """Of these rows of keys those that agree with a candidate in place and n_more of REF and ALT."""
        n = n_place + n_more
        return rows.join(candidates, left_on=left_on[:n], right_on=right_on[:n], how="semi")

    return pairs, keys, near


def write_fates(pl, job, db, counts=None, keys=None, near=None):
    """What became of each row with this database: 3 matched, 2 REF agrees, 1 its place is there.

    4 is added where a row matched more than once.
    """
    fates = pl.zeros(job["left_rows"], dtype=pl.UInt8, eager=True)
    if counts is not None:
        fates = fates.scatter(counts[ROW], 3)
        fates = fates.scatter(counts.filter(pl.col("len") > 1)[ROW], 7)
    if counts is not None and db["key_alleles"]:
        placed = near(keys.filter(fates.gather(keys[ROW]) == 0), 0)
        fates = fates.scatter(placed[ROW], 1).scatter(near(placed, 1)[ROW], 2)
    pl.DataFrame({"fate": fates}).write_parquet(db["fates"], compression="uncompressed")


def apply_policy(pl, job, db, pairs, counts):
    """The pairs that go into the result."""
    several = counts.filter(pl.col("len") > 1)
    if several.height and job["duplicates"] == "error":
        first = several.sort(ROW).row(0)
        raise JobError(
            "policy",
            f"database {db['name']} has {first[1]} rows for row {first[0] + 1} of the input and "
            "--duplicates is error",
        )
    if job["duplicates"] == "first":
        pairs = pairs.unique(subset=[ROW], keep="first", maintain_order=True)
    return pairs


def polars_type(pl, text):
    """Polars type of one of our type names; only for databases none of whose files is read."""
    simple = {
        "bool": pl.Boolean, "int8": pl.Int8, "int16": pl.Int16, "int32": pl.Int32,
        "int64": pl.Int64, "uint8": pl.UInt8, "uint16": pl.UInt16, "uint32": pl.UInt32,
        "uint64": pl.UInt64, "float32": pl.Float32, "float64": pl.Float64, "text": pl.String,
        "binary": pl.Binary, "date": pl.Date, "json": pl.String, "enum": pl.String,
    }
    if text in simple:
        return simple[text]
    if text.startswith("list<"):
        return pl.List(polars_type(pl, text[5:-1]))
    if text.startswith("decimal("):
        precision, scale = text[8:-1].split(",")
        return pl.Decimal(int(precision), int(scale))
    if text.startswith("timestamp["):
        unit, _, zone = text[10:-1].partition(",")
        return pl.Datetime(unit, "UTC" if zone else None)
    if text.startswith("time["):
        return pl.Time
    return pl.String


def join_database(pl, job, db, left, rows, number):
    """Extend rows (sample row, rows of the payloads so far) by this database, and its payload."""
    index = f"__vj_i{number}"
    if not db["paths"]:
        payload = pl.DataFrame(schema={c["name"]: polars_type(pl, c["type"]) for c in db["payload"]})
        rows = rows.with_columns(pl.lit(None, dtype=pl.UInt32).alias(index))
        write_fates(pl, job, db)
        return rows, payload, 0, None
    try:
        found = scan_database(pl, db, left)
    except (JobError, MemoryError):
        raise
    except Exception as error:
        raise JobError(kind_of(error), f"database {db['name']}: {first_line(error)}") from error
    pairs, keys, near = pair_rows(pl, db, left, found)
    counts = pairs.group_by(ROW).len()
    pairs = apply_policy(pl, job, db, pairs, counts).rename({"__vj_i": index})
    write_fates(pl, job, db, counts, keys, near)
    payload = found.select([pl.col(c["source"]).alias(c["name"]) for c in db["payload"]])
    if payload.height > 2 * pairs.height:  # else a copy would only cost
        kept = pairs[index].unique().sort()
        payload = payload[kept]
        pairs = pairs.with_columns(kept.search_sorted(pairs[index]).alias(index))
    rows = rows.join(pairs, on=ROW, how="left", maintain_order="left_right")
    if job["duplicates"] == "first":
        counts = counts.clear()
    return rows, payload, pairs.height, counts.filter(pl.col("len") > 1)


def expected_rows(pl, job, several):
    """Rows that must come out: per sample row the product of its matches in each database.

    Counted from the matches and not from the joined table, so that the two can be compared.
    """
    product = pl.DataFrame(schema={ROW: pl.Int64, "n": pl.Int64})
    for counts in several:
        counts = counts.select(pl.col(ROW).cast(pl.Int64), pl.col("len").cast(pl.Int64))
        product = product.join(counts, on=ROW, how="full", coalesce=True).select(
            ROW, n=pl.col("n").fill_null(1) * pl.col("len").fill_null(1)
        )
    return job["left_rows"] + int((product["n"] - 1).sum())


def with_payloads(table, payloads):
    """The table and the payloads' rows that its index columns name, a part at a time.

    Rows are taken by their place: a join by the same numbers would hash them first.
    """
    schema = dict(table.collect_schema())
    for payload in payloads:
        schema.update(payload.schema)

    def extend(part):
        for number, payload in enumerate(payloads):
            at = part[f"__vj_i{number}"]
            part = part.hstack([column.gather(at) for column in payload])
        return part

    return table.map_batches(
        extend, schema=schema, streamable=True, validate_output_schema=False,
        predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False,
    )


def run(job):
    import polars as pl

    emit("started", polars=pl.__version__)
    left = pl.scan_parquet(job["left"], glob=False)
    rows = left.select(ROW).collect(engine="streaming")
    payloads, several = [], []
    for number, db in enumerate(job["databases"]):
        began = time.monotonic()
        rows, payload, n_pairs, counts = join_database(pl, job, db, left, rows, number)
        payloads.append(payload)
        if counts is not None and counts.height:
            several.append(counts)
        emit("stage", database=db["name"], seconds=time.monotonic() - began, pairs=n_pairs)
    if rows.height == job["left_rows"]:
        # one output row per sample row, in its order: the sides stand beside each other
        out = pl.concat([left.select(job["left_columns"]), rows.drop(ROW).lazy()], how="horizontal")
    else:
        order = "none" if job["any_order"] else "left"
        out = rows.lazy().join(
            left.select(ROW, *job["left_columns"]), on=ROW, how="left", maintain_order=order
        )
    out = with_payloads(out, payloads)
    names = job["left_columns"] + [c["name"] for db in job["databases"] for c in db["payload"]]
    options = {"compression": job["codec"]}
    if job["codec"] == "zstd" and job["level"]:
        options["compression_level"] = job["level"]
    out.select(names).sink_parquet(job["out"], engine="streaming", **options)
    matched = [rows[f"__vj_i{number}"].count() for number in range(len(payloads))]
    emit("done", rows=rows.height, expected=expected_rows(pl, job, several), matched=matched)


def main():
    try:
        job = json.load(sys.stdin)
        run(job)
    except JobError as error:
        emit("error", kind=error.kind, text=str(error))
        return 4
    except ImportError as error:
        emit("error", kind="import", text=f"{error}")
        return 4
    except MemoryError:
        emit("error", kind="memory", text="Python ran out of memory")
        return 4
    except Exception as error:  # one line for whoever started us; details on stderr
        import traceback

        traceback.print_exc()
        emit("error", kind=kind_of(error), text=first_line(error))
        return 4
    return 0


if __name__ == "__main__":
    # one join and then the end: nothing is worth collecting, nor taking down piece by piece
    gc.disable()
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
