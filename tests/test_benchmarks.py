"""Test what the benchmarks share; what they measure takes too long."""

import io
from concurrent.futures import Future
from functools import partial

import numpy as np
import pytest
from PIL import Image

from benchmarks import (
    ablation,
    assignments,
    charts,
    pages,
    protocol,
    provenance,
    runner,
    tables,
)
from benchmarks.data import imbalanced, load, long_tailed, sample, sampling
from benchmarks.methods import METHODS
from benchmarks.rows import ABOUT, append_missing, read, write
from benchmarks.runner import KEY, MEASURED, Task, identity, measure, parser, seeds
from deepcluster_sk import Reconstruction

CPU = ["--device", "cpu", "--precision", "float32"]
#: Settings of a short fit by a small network.
SHORT = {"max_epochs": 1, "tol": 1.0, "module__channels": (4, 8)}


def test_readme_shows_what_was_measured():
    text = tables.README.read_text()
    shown = text.split(tables.BEGIN)[1].split(tables.END)[0].strip()
    assert shown == tables.readme_table(), "run `python -m benchmarks.tables`"


@pytest.mark.parametrize("name", [*pages.PAGES, "assignments", *pages.EXPERIMENTS])
def test_pages_can_be_made_with_and_without_results(name, tmp_path, monkeypatch):
    assert pages.page(name)
    for module in (tables, pages):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    assert "Not measured yet" in pages.page(name)
    (tmp_path / "accuracy_made.csv").write_text("set,method,acc\n")  # a run has begun
    assert "Not measured yet" in pages.page(name)
    assert tables.measured_sets() == []


def test_samples_do_not_depend_on_the_method():
    X, y = load("digits")
    first, _ = sample(X, y, 100, seed=3)
    again, _ = sample(X, y, 100, seed=3)
    np.testing.assert_array_equal(first, again)
    assert sample(X, y, None, 0)[0] is X
    assert sampling(len(X), 5000) == sampling(len(X), None) == "all"


def test_imbalance_rises_to_the_last_class():
    y = np.repeat(np.arange(10), 1000)
    _, kept = imbalanced(y, y, 0.1, seed=0)
    shares = np.bincount(kept) / 1000
    np.testing.assert_allclose(shares, np.linspace(0.1, 1, 10), atol=0.06)


def test_a_long_tail_falls_by_the_same_factor():
    y = np.repeat(np.arange(10), 2000)
    kept = [long_tailed(y, y, 0.1, seed)[1] for seed in (0, 1)]
    first, second = (np.bincount(classes) / 2000 for classes in kept)
    np.testing.assert_allclose(np.sort(first), np.geomspace(0.1, 1, 10), atol=0.04)
    assert first.argmax() != second.argmax()


def test_sets_in_parts_are_read(tmp_path):
    rng = np.random.default_rng(0)
    for part in ("1of2", "2of2"):
        files = []
        for image in rng.integers(0, 256, (3, 8, 8, 3), np.uint8):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "webp", lossless=True)
            files.append(file.getvalue())
        np.savez(
            tmp_path / f"made_{part}.npz",
            webp=np.frombuffer(b"".join(files), np.uint8),
            offsets=np.cumsum([0, *map(len, files)]),
            y=np.arange(3),
        )
    X, y = load("made", str(tmp_path))
    assert X.shape == (6, 8, 8, 3)
    assert y.tolist() == [0, 1, 2, 0, 1, 2]


def test_a_row_is_told_by_what_was_fitted_and_measured_without_classes():
    thinned = partial(imbalanced, r_min=0.5)
    key = {"r_min": 0.5}
    task = Task("digits", "k-means", 0, samples=200, key=key, thinned=thinned)
    assert identity(task, None, (*KEY, "r_min")) == (
        *("digits", "200 of 1797, drawn anew for each seed", "k-means", "0", "0.5"),
    )
    row = measure(task, None, options_for())
    assert row["precision"] == ""
    assert 100 < row["n"] < 200
    assert row["clusters_used"] == row["classes"] == 10
    assert 0.5 < row["acc"] <= 1


def options_for(*words):
    return parser("Made.").parse_args([*CPU, *words])


@pytest.fixture
def in_this_process(monkeypatch):
    """Run the fits of a benchmark one by one, where a new process takes seconds."""

    class Here:
        def __init__(self, *settings, **more):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def submit(self, function, *arguments):
            done = Future()
            done.set_result(function(*arguments))
            return done

    monkeypatch.setattr(runner, "ProcessPoolExecutor", Here)
    for name in runner.THREADS:
        monkeypatch.setenv(name, "1")


# Short fits leave clusters empty.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", [name for name, m in METHODS.items() if m.is_deep])
def test_every_clusterer_of_the_registry_is_measured(name):
    settings = {**SHORT, "pretraining": Reconstruction(1)} if "DEC" in name else SHORT
    task = Task("digits", name, 0, samples=64, settings=settings)
    row = measure(task, None, options_for())
    assert set(row) == set(MEASURED)
    assert (row["device"], row["precision"], row["n"]) == ("cpu", "float32", 64)
    assert (row["start_acc"] == "") == (name == "autoencoder + k-means")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_left_out_of_each_phase():
    X, _ = sample(*load("digits"), 64, 0)
    terms = {"reconstruction", "clustering", "balance", "separation"}

    def terms_of(name):
        short = {**SHORT, **ablation.left_out("paper's system")[name]}
        model = METHODS["paper's system"](X, 10, 0, device="cpu", **short).model
        return [terms & set(row) for row in (model.history_[0], model.history_[-1])]

    both = {"reconstruction", "separation"}
    assert terms_of("none") == [both, terms]
    assert terms_of("separation") == [both, terms - {"separation"}]
    found = terms_of("separation, in pretraining as well")
    assert found == [{"reconstruction"}, terms - {"separation"}]
    # What costs next to nothing is there to be seen, at a weight of 0.
    assert terms_of("all but clustering") == [both, {"clustering", "balance"}]
    assert ablation.left_out("ours") == ablation.WITHOUT


def test_registry_says_what_is_deep_and_what_is_capped():
    assert not METHODS["k-means"].is_deep
    assert METHODS["ours"].is_deep
    assert {name for name, method in METHODS.items() if method.cap} == {
        *("t-SNE + k-means", "spectral"),
    }
    assert all(name == method.name for name, method in METHODS.items())


def test_settings_given_go_before_those_of_a_method():
    seen = {}
    method = METHODS["IDEC"]
    replaced = type(method)("x", "x", lambda *a, **s: seen.update(s), None, {"a": 1})
    replaced(None, 2, 0, a=2, b=3)
    assert seen == {"a": 2, "b": 3}


def test_seeds_that_nobody_used_can_be_asked_for():
    assert list(seeds(options_for("--seeds", "3"))) == [0, 1, 2]
    fresh = options_for("--seeds", "2", "--seeds-from", "100")
    assert list(seeds(fresh)) == [100, 101]


@pytest.mark.usefixtures("in_this_process")
def test_rows_say_where_they_come_from_and_old_ones_stay(tmp_path):
    path = tmp_path / "made.csv"
    old = ("set", "sampling", "method", "seed", "acc", "commit", "device")
    values = ("digits", "64 of 1797, drawn anew for each seed", "k-means", 0, 0.5)
    write(path, [dict(zip(old, (*values, "abc", "cpu"), strict=True))], old)
    tasks = [Task("digits", "k-means", seed, samples=64) for seed in (0, 100)]
    rows = runner.run(path, tasks, options_for())
    assert [row["seed"] for row in rows] == ["0", "100"]
    assert rows[0]["acc"] == "0.5"  # not measured again
    assert rows[0]["cpu"] == rows[0]["precision"] == ""
    assert all(rows[1][name] for name in ABOUT)
    assert "torch" in rows[1]["versions"]
    assert tables.precision_of(rows) == ""
    assert runner.run(path, tasks, options_for()) == rows


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("in_this_process")
def test_another_precision_is_another_row(tmp_path):
    path = tmp_path / "made.csv"
    settings = {"max_epochs": 0, "pretraining": None}
    tasks = [Task("digits", "DEC", 0, samples=64, settings=settings)]
    runner.run(path, tasks, options_for())
    for _ in range(2):
        rows = runner.run(path, tasks, options_for("--precision", "bf16"))
        assert [row["precision"] for row in rows] == ["float32", "bfloat16"]
    assert tables.precision_of(rows) == "bfloat16 or float32"
    assert tables.seeds_of(rows) == "0"


def test_runs_of_seeds_are_named_by_their_ends():
    rows = [{"seed": str(seed)} for seed in (3, 0, 1, 2, 100, 7, 101)]
    assert tables.seeds_of(rows) == "0-3, 7, 100-101"


def test_a_copy_without_git_knows_its_commit_while_it_is_the_same(monkeypatch):
    noted = f"abc123 {provenance.digest_of_code()}"

    def no_git(*words):
        raise OSError

    monkeypatch.setattr(provenance, "git", no_git)
    assert provenance.commit() == "unknown"
    assert provenance.commit(noted) == "abc123"
    monkeypatch.setattr(provenance, "digest_of_code", lambda: "another")
    assert provenance.commit(noted) == "abc123-dirty"


def test_a_dirty_tree_is_told(monkeypatch):
    said = {"rev-parse": "abc123", "status": " M benchmarks/data.py"}
    monkeypatch.setattr(provenance, "git", lambda word, *rest: said[word])
    assert provenance.commit() == "abc123-dirty"
    said["status"] = ""
    assert provenance.commit() == "abc123"


def test_a_copy_whose_git_knows_an_earlier_commit_goes_by_the_note(monkeypatch):
    said = {"rev-parse": "old111", "status": " M benchmarks/data.py"}
    monkeypatch.setattr(provenance, "git", lambda word, *rest: said[word])
    noted = f"abc123 {provenance.digest_of_code()}"
    assert provenance.commit(noted) == "abc123"
    monkeypatch.setattr(provenance, "digest_of_code", lambda: "another")
    assert provenance.commit(noted) == "old111-dirty"


@pytest.mark.parametrize(
    ("path", "name"),
    [("/there/accuracy.py", "accuracy"), ("/there/gpu/__main__.py", "gpu")],
)
def test_commands_name_no_folder(monkeypatch, path, name):
    words = ["--data", "/here", "--methods", "PCA + x", "--output", "/there"]
    monkeypatch.setattr("sys.argv", [path, *words])
    assert provenance.command() == (
        f'python -m benchmarks.{name} --data FOLDER --methods "PCA + x" --output FILE'
    )


def test_charts_are_drawn_and_shares_are_short(tmp_path):
    charts.draw_all(tmp_path / "charts")
    drawn = {path.name for path in (tmp_path / "charts").iterdir()}
    assert drawn == {"accuracy.svg", "minutes.svg"}
    assert [tables.share(value) for value in (0.98765, 1.0, 0.04)] == [
        *(".988", "1.000", ".040")
    ]
    assert [pages.brief(text) for text in ("4065.658", "12.219", "1797", "cpu")] == [
        *("4,066", "12.2", "1,797", "cpu")
    ]


def test_assignments_are_drawn_of_the_first_seed_whatever_it_is(tmp_path):
    about = {"set": "digits", "class": "1", "cluster_class": "", "mean_q": "0.5"}
    rows = [
        {**about, "seed": seed, "gamma": gamma, "cluster": cluster}
        for seed in ("100", "101")
        for gamma in ("0.0", "0.1")
        for cluster in "01"
    ]
    assignments.draw(rows, tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").stat().st_size > 0


def test_only_tasks_without_a_row_are_measured(tmp_path):
    path, columns = tmp_path / "rows.csv", ("set", "seed", "acc", *ABOUT)
    about = dict.fromkeys(ABOUT, "a")
    asked = []

    def measure(name, seed):
        asked.append((name, seed))
        return {"acc": "0.5"}

    def run(tasks, **options):
        append_missing(path, tasks, ("set", "seed"), columns, measure, about, **options)
        return [(row["set"], row["seed"]) for row in read(path)]

    one, two = ("digits", "0"), ("usps", "0")
    assert run([one]) == [one]
    assert run([one, two]) == asked == [one, two]
    assert run([two], force=True) == [two]
    assert asked[2:] == [two]


def test_the_halves_of_the_protocol_share_no_set():
    assert not set(protocol.CHOOSING) & set(protocol.CONFIRMING)


def test_a_number_is_changed_for_a_while_alone():
    number = protocol.NUMBERS["merge and split: more"]
    (holder,) = number.holders
    with protocol.changed(number, 0.5):
        assert holder.more == 0.5
    assert holder.more == 0.12


@pytest.mark.parametrize("number", protocol.NUMBERS.values(), ids=protocol.NUMBERS)
def test_every_number_of_the_protocol_is_there(number):
    for holder in number.holders:
        assert number.name in vars(holder)


def test_changes_are_taken_fit_by_fit():
    def row(data, seed, value, acc):
        return {
            "set": data,
            "samples": "9",
            "number": "x",
            "seed": seed,
            "value": value,
            "acc": acc,
        }

    rows = [
        row("a", "1", "as it is", "0.5"),
        row("a", "2", "as it is", "0.9"),
        row("b", "1", "as it is", "0.1"),
        row("a", "1", "7", "0.75"),
        row("a", "2", "7", "0.4"),
        row("b", "1", "7", "0.2"),
    ]
    np.testing.assert_allclose(protocol.changes(rows, "x", "7", ["a"]), [0.25, -0.5])
