"""A web server of Dagster's own with our assets, and a browser on its pages: for the UI tests."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("dagster", minversion="1.13")
pytest.importorskip("dagster_webserver")
sync_api = pytest.importorskip("playwright.sync_api")

from world import BAD_VCF, ROOT  # noqa: E402

CHROMIUM = os.environ.get("VJ_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
SHOTS = Path(os.environ.get("VJ_UI_SHOTS", ROOT / "build" / "dagster-ui"))
LOCATION = "varjoin.dagster.definitions"
ASSET = "user_annotated_vcf_native"
JOB = "annotate_vcf_native_job"
NAMES = [
    "user_name", "sample_name", "sample_description", "sequencing_type", "species",
    "reference_genome", "source_vcf", "output_file", "file_size_mb", "num_rows", "num_columns",
    "compression", "engine", "duration_sec", "cpu_percent", "peak_memory_mb", "memory_delta_mb",
]
# One process for all steps: a process each is five seconds apiece, and no other pages.
CONFIG = f"""execution:
  config:
    in_process: {{}}
ops:
  {ASSET}:
    config:
      sample_description: "left lung, 2 mm"
      sequencing_type: WES
"""
# The server alone runs what it launches; no daemon, no queue.
INSTANCE = """telemetry:
  enabled: false
run_coordinator:
  module: dagster._core.run_coordinator
  class: DefaultRunCoordinator
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site:
    def __init__(self, folder, made, binary):
        self.folder = folder
        self.input = folder / "input"
        self.output = folder / "output" / "users"
        for user, sample in (("anna", "tumor"), ("ben", "exome")):
            (self.input / user).mkdir(parents=True)
            shutil.copy(made / f"{user}.vcf.gz", self.input / user / f"{sample}.vcf.gz")
        home = folder / "home"
        (home / ".nux").mkdir(parents=True)
        (home / ".nux" / "nux.yaml").write_text("seen: 1\n")
        (home / "dagster.yaml").write_text(INSTANCE)
        self.env = {
            **os.environ, "DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(ROOT / "python"), "PYTHONWARNINGS": "ignore",
            "VARJOIN_BIN": str(binary), "VARJOIN_INPUT_DIR": str(self.input),
            "VARJOIN_OUTPUT_DIR": str(folder / "output"), "VARJOIN_ENSEMBL": str(made / "ens"),
            # What a sanitized program takes for itself is not what the check is about.
            "VARJOIN_MEMORY": "1GB",
        }
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"

    def start(self):
        """The server; it is there when this returns."""
        add = "import dagster as dg; dg.DagsterInstance.get().add_dynamic_partitions('user_vcf_files', ['anna/tumor', 'ben/exome'])"
        subprocess.run([sys.executable, "-c", add], env=self.env, check=True, timeout=60)
        self.log = open(self.folder / "webserver.log", "w")
        self.server = subprocess.Popen(
            [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(self.port),
             "-m", LOCATION],
            env=self.env, stdout=self.log, stderr=self.log, start_new_session=True,
        )
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(self.base + "/server_info", timeout=1)
                return
            except OSError:
                assert self.server.poll() is None and time.monotonic() < deadline, self.log_text()
                time.sleep(0.3)

    def log_text(self):
        return (self.folder / "webserver.log").read_text()[-3000:]

    def add_partition(self, key):
        """As "Add a partition" does on the page of an asset."""
        answer = self.graphql(
            """mutation($key: String!, $where: RepositorySelector!) {
              addDynamicPartition(partitionsDefName: "user_vcf_files", partitionKey: $key,
                repositorySelector: $where) { __typename ... on PythonError { message } } }""",
            key=key,
            where={"repositoryName": "__repository__", "repositoryLocationName": LOCATION},
        )
        assert answer["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess", answer

    def stop(self):
        for engine in engines(self.output):  # a test that failed may have left one stopped
            os.kill(engine, signal.SIGKILL)
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.server.pid, signal.SIGKILL)
        self.log.close()

    def graphql(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            self.base + "/graphql", body, {"Content-Type": "application/json"}
        )
        answer = json.load(urllib.request.urlopen(request, timeout=30))
        assert "errors" not in answer, answer
        return answer["data"]

    def status(self, run_id):
        query = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
        return self.graphql(query, id=run_id)["runOrError"].get("status")

    def wait_for(self, run_id, wanted, seconds=90):
        deadline = time.monotonic() + seconds
        while (status := self.status(run_id)) != wanted:
            assert status not in ("SUCCESS", "FAILURE", "CANCELED"), f"{status}, not {wanted}"
            assert time.monotonic() < deadline, f"{status} after {seconds} s, not {wanted}"
            time.sleep(0.3)


@pytest.fixture(scope="module")
def site(tmp_path_factory, made, varjoin_bin):
    SHOTS.mkdir(parents=True, exist_ok=True)
    one = Site(tmp_path_factory.mktemp("ui"), made, varjoin_bin)
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def page(site, tmp_path_factory):
    with sync_api.sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")), executable_path=CHROMIUM, headless=True,
            args=FLAGS, viewport={"width": 1280, "height": 900},
        )
        one = context.new_page()
        one.set_default_timeout(30_000)
        asked = []
        one.on("request", lambda request: asked.append(request.url))
        yield one
        context.close()
    elsewhere = {url for url in asked if not url.startswith((site.base, "data:", "blob:"))}
    assert not elsewhere, f"the pages asked other hosts: {sorted(elsewhere)[:3]}"


def shot(page, name, height=None):
    """The page's own panes scroll, so a long page is taken with a tall window."""
    if height is not None:
        page.set_viewport_size({"width": 1280, "height": height})
    page.wait_for_timeout(700)
    page.screenshot(path=str(SHOTS / f"{name}.png"))
    page.set_viewport_size({"width": 1280, "height": 900})


def launch(site, page, partition, config=CONFIG, picture=None):
    """Fill in the Launchpad of the job as a person does; the id of the run."""
    page.goto(f"{site.base}/locations/{LOCATION}/jobs/{JOB}/playground")
    box = page.get_by_placeholder("Partition")
    for _ in range(20):  # what is typed before the list of partitions has come is dropped
        box.fill(partition)
        page.wait_for_timeout(300)
        page.keyboard.press("Enter")
        page.locator(".CodeMirror").first.click()
        page.wait_for_timeout(200)
        if box.input_value() == partition:
            break
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(config)
    page.keyboard.press("Escape")
    page.get_by_text("No errors").wait_for()
    if picture is not None:
        shot(page, picture)
    page.get_by_role("button", name="Launch Run").click()
    try:
        page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}"))
    except sync_api.TimeoutError:
        shot(page, "launchpad-stuck")
        raise
    return re.search(r"/runs/([0-9a-f-]{36})", page.url)[1]


def shown_metadata(site, page, partition, asset=ASSET):
    """Keys and values of the Metadata section of one partition, as they stand on the page."""
    key = partition.replace("/", "%2F")
    page.goto(f"{site.base}/assets/{asset}?view=partitions&partition={key}")
    page.get_by_text("peak_memory_mb", exact=True).first.wait_for()
    cells = page.evaluate(
        "() => [...document.querySelectorAll('tr')].map(r => [...r.cells].map(c => c.innerText.trim()))"
    )
    return {row[0]: row[1] for row in cells if len(row) >= 2}


def engines(folder):
    """Processes of the program that write below the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.path.basename(command[0]) == b"varjoin" and os.fsencode(folder) in b" ".join(command):
                found.append(int(entry.name))
    return found


def engine_of(site, run, deadline=60):
    """The one process of the program that a run has started, stopped before it can finish."""
    end = time.monotonic() + deadline
    while not (found := engines(site.output)):
        assert time.monotonic() < end, "no engine was started"
        assert site.status(run) not in ("SUCCESS", "FAILURE"), site.status(run)
        time.sleep(0.005)
    (engine,) = found
    os.kill(engine, signal.SIGSTOP)
    return engine


def write_slow_vcf(path, n=1_500_000, noise=0):
    """A VCF that takes seconds, in the place of another; noise makes it hard to compress."""
    for old in path.parent.glob(path.name.split(".")[0] + ".*"):
        old.unlink()
    head = BAD_VCF[: BAD_VCF.index("22\tnine")]
    with path.open("w") as out:
        out.write(head)
        out.writelines(
            f"22\t{1000 + i}\t.\tA\tC\t{i * noise % 100_003}\tPASS\t.\n" for i in range(n)
        )


def unfinished(folder):
    return [p.name for p in folder.rglob("*") if ".tmp" in p.name or p.name.startswith(".varjoin")]
