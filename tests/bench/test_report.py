"""How large a report of 2,000 pairs is, and how soon a browser has it ready."""

import shutil
import time
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

PAIRS = 2_000
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ONE_KEY = """() => new Promise(done => {
    const start = performance.now();
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""


def copied(out, planned, copies):
    """An output folder with the scenes of a sweep several times, each copy some days later."""
    import pyarrow as pa

    from westsea.detector import Detector
    from westsea.objects import open_objects
    from westsea.records import SceneKey
    from westsea.results import Sweep
    from westsea.runner import parameters
    from westsea.schema import TABLES
    from westsea.sources import remember
    from westsea.store import Store
    from westsea.tables import decode
    from westsea_catalog.coast import Coast

    first = open_objects(out)
    store = Store.open(f"{out}-copied", parameters(Detector(), planned.aoi, Coast.shipped()))
    for n in range(copies):
        for each in planned.scenes:
            scene = each.scene
            later = scene.datetime + timedelta(days=40 * n)
            item = {**scene.item, "id": f"{scene.id}_{n}"}
            scene_n = replace(scene, id=item["id"], item=item, datetime=later)
            tables = {}
            for name, table in TABLES.items():
                rows = decode(first.get(SceneKey.of(scene).table(name)))
                columns = {column: rows[column].to_pylist() for column in table.names}
                columns["item_id"] = [item["id"]] * len(rows)
                columns["datetime"] = [later.astimezone(UTC)] * len(rows)
                for column in ("detect_id", "pair_id", "detect_id_1", "detect_id_2"):
                    if column in columns:
                        columns[column] = [v and f"{n:02x}{v[2:]}" for v in columns[column]]
                tables[name] = pa.table(columns, schema=table.schema)
            remember(store.objects, [scene_n], planned)
            store.commit(SceneKey.of(scene_n), tables)
    assert len(Sweep(f"{out}-copied").pairs()) >= PAIRS
    return f"{out}-copied"


@pytest.mark.bench
def test_two_thousand_pairs(tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    from westsea import demo, report
    from westsea.api import plan, search
    from westsea_catalog import archive

    done = demo.run(tmp_path, workers=0)
    catalog = str(archive.build(tmp_path / "archive"))
    items = search(catalog, aoi="west-sea", datetime="2017-10-01/2017-10-31", offline=True)
    planned = plan(items, catalog=catalog, aoi="west-sea")
    n_pairs = sum(result.rows("pairs") for result in done.report.results)
    out = copied(str(done.out), planned, -(-PAIRS // n_pairs))
    start = time.perf_counter()
    written = report.write(out)
    seconds = time.perf_counter() - start
    print(f"\n{written.n_pairs} pairs, {written.size / 1e6:.1f} MB, written in {seconds:.1f} s")
    assert written.n_without == 0
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        for name, size in (("1440 x 900", (1440, 900)), ("390 x 844", (390, 844))):
            viewport = {"width": size[0], "height": size[1]}
            tab = browser.new_context(offline=True, viewport=viewport).new_page()
            start = time.perf_counter()
            tab.goto(written.path.as_uri())
            tab.wait_for_selector("body[data-ready]")
            ready = time.perf_counter() - start
            keys = sorted(tab.evaluate(ONE_KEY) for _ in range(20))
            heap = tab.evaluate("performance.memory ? performance.memory.usedJSHeapSize / 1e6 : 0")
            print(
                f"{name}: ready in {ready:.2f} s, next pair in {keys[10]:.0f} ms (median),"
                f" {keys[-1]:.0f} ms (worst of 20), heap {heap:.0f} MB"
            )
            assert tab.locator("[role=option]").count() == written.n_pairs
            tab.context.close()
        browser.close()
