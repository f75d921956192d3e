"""Bad days as a person sees them: a full disk, a killed worker, Terminate, two runs on one
partition, a partition that would leave the output folder. Real server, browser and program; each
ends as a failure with its reason, and the earlier materialisation stands.
"""

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import time

import pytest
from pages import (  # noqa: F401
    CONFIG,
    engine_of,
    engines,
    launch,
    page,
    shot,
    shown_metadata,
    site,
    unfinished,
    write_slow_vcf,
)

TABLE = "user_vcf_normalized"
# A process for each step, as Dagster does by default.
MULTIPROCESS = "execution:\n  config:\n    multiprocess: {}\n"


def state(folder):
    """Bytes of what a partition's folder shows to others."""
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.iterdir())
        if not p.name.endswith((".lock", ".failed.run.json"))
    }


def go_on(pid):
    with contextlib.suppress(ProcessLookupError):  # met before it listens, it has gone at once
        os.kill(pid, signal.SIGCONT)


def wait_for_none(folder, seconds=20):
    end = time.monotonic() + seconds
    while engines(folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert not engines(folder)


def parent_of(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"PPid:\t(\d+)", status.read())[1])


@pytest.fixture(scope="module")
def ben(site, page):  # noqa: F811
    """ben/exome, materialised once and whole; then his file is one that takes seconds."""
    site.wait_for(launch(site, page, "ben/exome"), "SUCCESS")
    folder = site.output / "ben" / "exome"
    before = state(folder), shown_metadata(site, page, "ben/exome", TABLE)
    write_slow_vcf(site.input / "ben" / "exome.vcf")
    return folder, before


def still_as_before(site, page, ben):  # noqa: F811
    folder, before = ben
    assert (state(folder), shown_metadata(site, page, "ben/exome", TABLE)) == before
    assert unfinished(folder) == []


def drop_remains(folder):
    """SIGKILL may leave one temporary file, which the next run removes."""
    remains = [p for p in folder.iterdir() if re.fullmatch(r"\..*\.vj-[0-9a-f]{8}-\d+-\d+\.tmp", p.name)]
    assert len(remains) <= 1
    for path in remains:
        path.unlink()


def test_terminate_stops_the_engine(site, page, ben):  # noqa: F811
    run = launch(site, page, "ben/exome")
    engine = engine_of(site, run)
    page.get_by_role("button", name="Terminate").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
    time.sleep(2)
    go_on(engine)
    site.wait_for(run, "CANCELED")
    page.goto(f"{site.base}/runs/{run}")
    page.get_by_text("Canceled", exact=True).first.wait_for()
    shot(page, "canceled")
    wait_for_none(site.output)
    still_as_before(site, page, ben)


def test_a_killed_worker_is_a_failure_and_takes_its_engine_along(site, page, ben):  # noqa: F811
    run = launch(site, page, "ben/exome", MULTIPROCESS)
    engine = engine_of(site, run, 120)
    os.kill(parent_of(engine), signal.SIGKILL)
    go_on(engine)
    site.wait_for(run, "FAILURE")
    page.goto(f"{site.base}/runs/{run}")
    page.get_by_text(re.compile("terminated by signal 9|SIGKILL")).first.wait_for()
    page.wait_for_timeout(1000)
    shot(page, "killed-worker")
    wait_for_none(site.output)
    still_as_before(site, page, ben)


def test_a_second_run_on_a_partition_names_the_first(site, page, ben):  # noqa: F811
    folder, (files, _) = ben
    first = launch(site, page, "ben/exome")
    engine = engine_of(site, first)
    config = CONFIG + f"  {TABLE}:\n    config: {{compression: snappy}}\n"
    second = launch(site, page, "ben/exome", config)
    site.wait_for(second, "FAILURE")  # after lock_wait_sec, 10 s
    page.get_by_text(re.compile(f"is being written by Dagster run {first}")).first.wait_for()
    shot(page, "second-run")
    assert {name: state(folder)[name] for name in files} == files
    os.kill(engine, signal.SIGKILL)  # and the first ends in order, too
    go_on(engine)
    site.wait_for(first, "FAILURE")
    page.goto(f"{site.base}/runs/{first}")
    page.get_by_text(re.compile("varjoin was ended by SIGKILL")).first.wait_for()
    drop_remains(folder)
    still_as_before(site, page, ben)


def test_a_partition_that_would_leave_the_output_folder(site, page):  # noqa: F811
    site.add_partition("../../etc")
    before = {p for p in site.folder.rglob("*") if site.folder / "home" not in p.parents}
    run = launch(site, page, "../../etc")
    site.wait_for(run, "FAILURE")
    page.get_by_text(re.compile("expected USER/SAMPLE, found '..' as the user")).first.wait_for()
    shot(page, "bad-partition")
    after = {p for p in site.folder.rglob("*") if site.folder / "home" not in p.parents}
    assert {p for p in after - before if p.is_file()} == set()


@pytest.fixture
def small_disk(site):  # noqa: F811
    """carl's output folder is a file system of 300 kB."""
    folder = site.output / "carl"
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small file system here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(site, page, small_disk):  # noqa: F811
    (site.input / "carl").mkdir()
    write_slow_vcf(site.input / "carl" / "wgs.vcf", 50)
    site.add_partition("carl/wgs")
    site.wait_for(launch(site, page, "carl/wgs"), "SUCCESS")
    folder = small_disk / "wgs"
    before = state(folder), shown_metadata(site, page, "carl/wgs", TABLE)

    write_slow_vcf(site.input / "carl" / "wgs.vcf", 300_000, noise=7919)
    run = launch(site, page, "carl/wgs")
    site.wait_for(run, "FAILURE")
    page.get_by_text(re.compile("No space left on device")).first.wait_for()
    page.wait_for_timeout(1000)
    shot(page, "full-disk")
    assert (state(folder), shown_metadata(site, page, "carl/wgs", TABLE)) == before
    assert unfinished(small_disk) == []
