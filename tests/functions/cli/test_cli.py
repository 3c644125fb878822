import json
import math
import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import functions
from functions.cli.main import main
from model_store import BUNDLED, Reason, open_store
from pipeline.model.published.loading import load_model
from tests.support.limited import SELDOM, publish_limited
from tests.support.risk import with_score

Run = Callable[..., Result]
CUSTOMER = (
    "Credit_Limit=12691",
    "Contacts_Count_12_mon=3",
    "Total_Revolving_Bal=777",
    "Avg_Utilization_Ratio=0.061",
)
HEADER = "CLIENTNUM,Avg_Utilization_Ratio,Credit_Limit,Contacts_Count_12_mon,Total_Revolving_Bal"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
ROOT = Path(functions.__file__).parents[1]
EXAMPLE = str(ROOT / "examples" / "customers.csv")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with the original model and no settings in the environment."""
    for name in ("CUSTOMER_CLUSTERS_STORE", "CUSTOMER_CLUSTERS_MODEL"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def gym_store(
    gym_recipe: None, light_evidence: None, gym_members: Any, gym_contract_path: Path,
    tmp_path: Path,
) -> Path:  # fmt: skip
    """Where the command may train a model of the gym."""
    gym_members.to_csv(tmp_path / "members.csv", index=False)
    contract = tmp_path / "original.toml"
    contract.write_text(gym_contract_path.read_text())
    return tmp_path / "store"


def refused(result: Result) -> str:
    """The one line of a refusal."""
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert lines[-1].startswith("Error: ")
    assert "Traceback" not in result.output
    return lines[-1]


def test_assign_says_which_cluster_and_why(run: Run) -> None:
    result = run("assign", *CUSTOMER, "--model", "original")
    assert result.exit_code == 0
    assert "Group 3 of 3: Little revolving balance, low utilization" in result.stdout
    assert "30.4% (1,030 of 3,393 cancelled; 95 % interval 28.8% to 31.9%)" in result.stdout
    assert "Credit limit: 12,691 USD speaks for" in result.stdout


def test_an_outlier_is_told_which_values_seldom_go_together(run: Run, tmp_path: Path) -> None:
    publish_limited(tmp_path / "store")
    values = [f"{name}={value}" for name, value in SELDOM.items()]
    result = run("assign", *values, "--store", tmp_path / "store")
    assert result.output.startswith(
        "Unlike the customers the model was trained on (unusual combination of Transactions and "
        "Amount spent): the group"
    )
    answer = json.loads(run("assign", *values, "--store", tmp_path / "store", "--json").output)
    assert answer["unusual_combination"] == ["Total_Trans_Ct", "Total_Trans_Amt"]
    assert answer["outlier"] is True


def test_assign_says_what_would_change_the_group(run: Run) -> None:
    values = ("Total_Revolving_Bal=0", "Total_Trans_Amt=1900", "Total_Trans_Ct=38")
    told = run("assign", *values, "--what-if").stdout.partition("What would change the group")[2]
    assert "Transactions" in told and "75" in told and "3, Little revolving balance" in told
    answer = json.loads(run("assign", *values, "--what-if", "--json").stdout)
    assert {change["feature"]: change["new_value"] for change in answer["what_if"]["changes"]}[
        "Total_Trans_Ct"
    ] == 75
    assert "what_if" not in json.loads(run("assign", *values, "--json").stdout)


def test_assign_prints_one_json_document(run: Run) -> None:
    result = run("assign", *reversed(CUSTOMER), "--model", "original", "--json")
    document = json.loads(result.stdout)
    assert document["cluster"]["id"] == 3
    assert document["churn"]["churned"] == 1030
    assert document["runner_up"]["id"] == 2
    assert len(document["reasons"]) == 4
    assert document["model_version"] == open_store(BUNDLED).resolve("original")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Credit_Limit"], "expected NAME=VALUE, found 'Credit_Limit'"),
        (["a=1", "a=2"], "a is given twice"),
        ([*CUSTOMER[1:], "Credit_Limit=-1"], "Credit_Limit: expected a number from 0 to"),
        ([*CUSTOMER[1:], "Credit_Limit=nan"], "found 'nan'"),
        ([*CUSTOMER[1:], "Credit_Limit=lots"], "found 'lots'"),
        (CUSTOMER[1:], "Credit_Limit: expected a number from 0 to 10,000,000, found nothing"),
        ([*CUSTOMER, "--model", "best"], "no model 'original-best'"),
    ],
)
def test_assign_refuses_what_it_cannot_use(run: Run, arguments: list[str], message: str) -> None:
    if "best" in arguments:
        arguments = [*CUSTOMER, "--model", "original-best"]
    else:
        arguments = [*arguments, "--model", "original"]
    assert message in refused(run("assign", *arguments))


def test_score_prints_the_summary_and_writes_the_results(run: Run, tmp_path: Path) -> None:
    result = run("score", ROOT / "examples" / "customers.csv", "--out", tmp_path)
    assert result.exit_code == 0
    assert "1,001 customers, 995 assigned, 6 rejected" in result.stdout
    assert "In training" in result.stdout
    (manifest,) = tmp_path.rglob("manifest.json")
    assert json.loads(manifest.read_bytes())["rows_in"] == 1_001


def test_score_warns_of_another_unit_before_the_figures(run: Run, tmp_path: Path) -> None:
    cents = [f"{n},0.{n},{300_000 + 9_000 * n},{n % 5},{n * 12}" for n in range(100, 200)]
    path = tmp_path / "[bold]cents.csv"
    path.write_text("\n".join([HEADER, *cents]))
    told = run("score", path, "--out", tmp_path / "out", "--model", "original").stdout
    assert told.startswith("[bold]cents.csv: 100 customers")
    warning = "Do not use these results yet: implausible values in Credit_Limit"
    assert told.index(warning) < told.index("In training")
    assert "Note: clearly unlike training: Contacts_Count_12_mon, Total_Revolving_Bal" in told
    (report,) = tmp_path.rglob("report.html")
    assert f"Report: {report}" in told


def test_a_folder_stands_for_all_files_in_it_and_below_it(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "inbox"
    for name, customers in {"day=1/a.csv": 1, "day=2/a.csv": 2, "a.csv": 3}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(f"{HEADER}\n" + "1,0.061,12691,3,777\n" * customers)
    (place / "_SUCCESS").touch()
    out = place / "results"
    for _ in range(2):  # the second time its own results lie there
        result = run("score", place, "--model", "original", "--out", out, "--json")
        assert result.exit_code == 0, result.output
        found = {it["input"]["name"]: it["rows_in"] for it in json.loads(result.stdout)}
        assert found == {"day=1/a.csv": 1, "day=2/a.csv": 2, "a.csv": 3}
        assert f"Note: {place}: names of folders such as 'day=1' are not read" in result.stderr
        assert f"Note: {place}: skipped hidden: 1" in result.stderr
    assert len(list(out.glob("day=2/a.csv/*/manifest.json"))) == 1
    assert not list(out.glob(".*"))


def test_a_folder_or_pattern_that_stands_for_nothing_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "_SUCCESS").touch()
    assert "no file matches; skipped hidden: 1" in refused(run("score", tmp_path))
    assert "*.csv: no file matches" in refused(run("score", tmp_path / "*.csv"))
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "_delta_log" / "0.json").write_text("{}")
    assert "a Delta table" in refused(run("score", tmp_path))


def test_a_pipe_is_refused_at_once(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for command in (["score"], ["train", "--data"]):
        assert "is a pipe; expected a file" in refused(run(*command, tmp_path / "pipe"))


def test_score_prints_one_json_document(run: Run, tmp_path: Path) -> None:
    path = ROOT / "examples" / "customers.csv"
    one = json.loads(run("score", path, "--out", tmp_path, "--json").stdout)
    assert one["rows_in"] == one["rows_assigned"] + one["rows_rejected"]
    for name in one["outputs"].values():
        assert (tmp_path / name).is_file()
    two = json.loads(
        run("score", path, path, "--out", tmp_path, "--format", "parquet", "--json").stdout
    )
    assert [manifest["rows_in"] for manifest in two] == [1_001, 1_001]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; expected a header"),
        (f"{HEADER}\n", "has a header but no customers"),
        (HEADER.replace("Credit_Limit,", "") + "\n1,1,1,1\n", "no column Credit_Limit"),
        ("1,0.5,100,3,777\n2,0.5,100,3,777\n", "expected a header that names them, found: 1, 0.5"),
        ("\x00\x01\x02PNG", "is neither text nor Parquet nor Excel"),
        (f"{HEADER}\n1,0.5,lots,3,777\n", "1 of 1 rows cannot be scored"),
        (f"{HEADER}\n1,1.5,100,3,777\n", "Avg_Utilization_Ratio out_of_range: 1"),
        (f"{HEADER}\n1,0.5,-100,3,777\n", "Credit_Limit out_of_range: 1"),
        (f"{HEADER}\n1,nan,100,3,777\n", "Avg_Utilization_Ratio not_finite: 1"),
        (f"{HEADER}\n1,inf,100,3,777\n", "Avg_Utilization_Ratio not_finite: 1"),
    ],
)
def test_score_refuses_a_wrong_file_and_writes_nothing(
    run: Run, tmp_path: Path, content: str, message: str
) -> None:
    path, out = tmp_path / "customers.csv", tmp_path / "out"
    path.write_text(content)
    line = refused(run("score", path, "--out", out, "--model", "original"))
    assert message in line
    assert str(path) in line
    assert [found for found in out.rglob("*") if found.is_file()] == []


def test_a_damaged_artifact_is_refused(run: Run, own_gym_models: Path) -> None:
    (model,) = own_gym_models.rglob("model.json")
    model.write_bytes(model.read_bytes().replace(b"gym", b"spa"))
    line = refused(run("assign", "visits=2", "fee=20", "plan=basic", "--store", own_gym_models))
    assert "model.json is not the file that was published" in line


def train_gym(run: Run, folder: Path, store: Path) -> Any:
    result = run(
        "train", "--data", folder / "members.csv", "--contract", folder / "original.toml",
        "--recipe", "gym", "--store", store, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_train_publishes_and_models_show_it(run: Run, tmp_path: Path, gym_store: Path) -> None:
    document = train_gym(run, tmp_path, gym_store)
    assert document["contract"]["name"] == "gym"
    assert len(document["clusters"]) == 3
    listed = json.loads(run("models", "list", "--store", gym_store, "--json").stdout)
    assert [row["version"] for row in listed] == [document["version"]]
    assert listed[0]["aliases"] == ["candidate", "champion"]
    assert json.loads(run("models", "--store", gym_store, "--json").stdout) == listed
    shown = run("models", "show", "champion", "--store", gym_store)
    assert "Silhouette" in shown.stdout
    assert "members.csv" in shown.stdout
    again = json.loads(run("models", "show", "champion", "--store", gym_store, "--json").stdout)
    assert again == document
    assert str(tmp_path) not in json.dumps(document)


def test_train_states_what_a_risk_score_is_worth_unless_none_is_wanted(
    run: Run, tmp_path: Path, gym_store: Path
) -> None:
    def facts(*options: str) -> dict[str, Any]:
        result = run(
            "train", "--data", tmp_path / "members.csv", "--contract", tmp_path / "original.toml",
            "--recipe", "gym", "--store", gym_store, "--fresh-ids", "--json", *options,
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        version = json.loads(result.stdout)["version"]
        return dict(open_store(gym_store).open(version).manifest.facts)

    assert facts("--risk-features", "fee")["risk"]["features"] == ["fee"]
    assert {"auc", "brier"} <= facts()["risk"]["groups"].keys()
    none = facts("--no-risk")
    assert "risk" not in none and none["recipe"]["risk"] is False


def test_assign_tells_the_risk_beside_the_rate_of_the_group(run: Run, own_gym_models: Path) -> None:
    store = open_store(own_gym_models)
    artifact = store.open("champion")
    files = {name: artifact.read(name) for name in artifact.manifest.files}
    files["model.json"] = with_score(load_model(artifact)).to_json()
    store.point("scored", store.publish(files, artifact.manifest.facts).version, Reason("", ""))
    customer = ("assign", "visits=2", "fee=20", "plan=basic", "--store", own_gym_models)
    told = run(*customer, "--model", "scored")
    assert "Churn rate of this group: " in told.stdout
    assert "of 100 customers with such values about " in told.stdout
    answer = json.loads(run(*customer, "--model", "scored", "--json").stdout)
    score = answer["risk_score"]
    assert score["low"] < score["rate"] < score["high"]
    logit = score["intercept"] + sum(score["parts"].values())
    assert score["rate"] == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-12)
    assert answer["churn"]["rate"] > 0
    assert json.loads(run(*customer, "--json").stdout)["risk_score"] is None


def test_train_shows_its_progress_on_standard_error(
    run: Run, tmp_path: Path, gym_store: Path
) -> None:
    result = run(
        "train", "--data", tmp_path / "members.csv", "--contract", tmp_path / "original.toml",
        "--recipe", "gym", "--store", gym_store,
    )  # fmt: skip
    assert "reading and cleaning members.csv" in result.stderr
    assert "Rare visits" in result.stdout


def test_train_refuses_and_publishes_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("a,b\n1,2\n")
    store = tmp_path / "store"
    arguments = ("train", "--data", path, "--store", store, "--recipe")
    assert "no column Contacts_Count_12_mon" in refused(run(*arguments, "original"))
    assert "no recipe 'best'; there are: search, original" in refused(run(*arguments, "best"))
    assert "alias 'A B'" in refused(run(*arguments, "original", "--alias", "A B"))
    bars = tmp_path / "bars.toml"
    bars.write_text("churn = 0.8")
    assert "bars.toml: churn is no bar" in refused(run(*arguments, "search", "--bars", bars))
    assert not store.exists()


def test_train_on_some_features_with_as_many_clusters_as_they_show(
    run: Run, tmp_path: Path, gym_store: Path, light_evidence: None
) -> None:
    result = run(
        "train", "--data", tmp_path / "members.csv", "--contract", tmp_path / "original.toml",
        "--features", "visits, fee", "--k", "2-5", "--store", gym_store, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "choosing the number of clusters, from 2 to 5" in result.stderr
    document = json.loads(result.stdout)
    assert [f["name"] for f in document["contract"]["features"]] == ["visits", "fee"]
    assert len(document["clusters"]) == 3


def test_train_by_a_recipe_of_ones_own(
    run: Run, tmp_path: Path, gym_store: Path, light_evidence: None
) -> None:
    recipe = tmp_path / "own.toml"
    recipe.write_text('features = ["fee"]\nk = 2\n[bars]\nweakest_jaccard = 0.5\n')
    result = run(
        "train", "--data", tmp_path / "members.csv", "--contract", tmp_path / "original.toml",
        "--recipe", recipe, "--store", gym_store, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["clusters"]) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--k", "5"), "--k needs --features"),
        (("--features", "a,a"), "--features: expected different names, found 'a,a'"),
        (("--features", "a,"), "--features: expected different names"),
        (("--features", "a", "--k", "1"), "--k: expected a number from 2 to 50, or two as 2-8"),
        (("--features", "a", "--k", "8-2"), "--k: expected a number"),
        (("--features", "a", "--k", "many"), "--k: expected a number"),
        (("--features", "a", "--recipe", "original"), "--features and --recipe exclude"),
        (("--recipe", "none.toml"), "none.toml: cannot be read"),
        (("--risk-features", "a"), "--risk-features needs --features or a recipe"),
        (("--features", "a", "--risk-features", "a,"), "--risk-features: expected different names"),
        (
            ("--features", "a", "--risk-features", "a", "--no-risk"),
            "--no-risk and --risk-features exclude each other",
        ),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_refused(
    run: Run, tmp_path: Path, given: tuple[str, ...], message: str
) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("a,b\n1,2\n")
    assert message in refused(run("train", "--data", path, "--store", tmp_path / "s", *given))


def test_explore_says_what_to_notice_and_writes_a_page(
    run: Run, tmp_path: Path, gym_store: Path
) -> None:
    arguments = (
        "explore", "--data", tmp_path / "members.csv", "--contract", tmp_path / "original.toml",
        "--out", tmp_path / "exploration",
    )  # fmt: skip
    assert "Visits" in run(*arguments).stdout
    document = json.loads(run(*arguments, "--json").stdout)
    assert document == json.loads((tmp_path / "exploration" / "explore.json").read_bytes())
    assert (tmp_path / "exploration" / "explore.html").read_text().startswith("<!doctype html>")


def test_the_search_refuses_what_it_cannot_search(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("a,b\n1,2\n")
    arguments = ("train", "--data", path, "--store", tmp_path / "store")
    assert "none of the features of contract" in refused(run(*arguments))
    path.write_text("Credit_Limit,b\n" + "".join(f"{n},2\n" for n in range(50)))
    assert "has 50 usable customers; the search needs at least 200" in refused(run(*arguments))
    assert not (tmp_path / "store").exists()


def test_an_empty_store_says_so(run: Run, tmp_path: Path) -> None:
    assert "No models in" in run("models", "--store", tmp_path / "none").stdout
    assert "no model 'champion'" in refused(run("models", "show", "champion", "--store", tmp_path))


@pytest.mark.parametrize("command", [[], ["assign"], ["score"], ["train"], ["models", "show"]])
def test_help_has_an_example(run: Run, command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert not command or "Example: customer-clusters" in result.stdout


def test_a_look_up_loads_no_heavy_library() -> None:
    """Not even numpy: importing it would double the time of the whole command."""
    code = (
        "import sys; from functions.cli.main import main; "
        f"main(['assign', *{CUSTOMER!r}, '--model', 'original', '--json'], standalone_mode=False); "
        "heavy = {'numpy', 'pandas', 'sklearn', 'scipy', 'pyarrow', 'matplotlib', 'joblib'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_look_up_loads_what_answers_it_and_nothing_else() -> None:
    """Each of these takes a hundredth of the whole command, or more."""
    code = (
        "import sys; from functions.cli.main import main; "
        f"main(['assign', *{CUSTOMER!r}, '--model', 'original'], standalone_mode=False); "
        "rooms = ('functions.http', 'functions.web', 'pipeline.reading', 'pipeline.scoring'); "
        "late = {'base64', 'getpass', 'rich', 'shutil', 'tempfile',"
        " 'pipeline.model.counterfactuals',"
        " *('functions.settings.' + name for name in ('access', 'batch', 'clients', 'server')),"
        " *(name for name in sys.modules if name.startswith(rooms))}; "
        "sys.exit(', '.join(late & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_scoring_loads_no_heavy_library_but_in_the_process_that_reads(tmp_path: Path) -> None:
    code = (
        "import sys; from functions.cli.main import main; "
        f"main(['score', {EXAMPLE!r}, '--out', {str(tmp_path)!r}], standalone_mode=False); "
        "heavy = {'numpy', 'pandas', 'pyarrow'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_scoring_starts_the_process_that_reads_before_it_loads_the_rest(tmp_path: Path) -> None:
    """That process takes longest: what this one needs is imported meanwhile."""
    code = (
        "import os, sys; from functions.cli.main import main; "
        "from pipeline.scoring.process.isolated import Isolated\n"
        "def start(self):\n"
        "    rooms = ('functions.settings.server', 'functions.cli.output', 'pipeline.runs', "
        "'pipeline.model.cluster_model', 'pipeline.model.contract', 'pipeline.reading.columns')\n"
        "    print(*(name for name in sys.modules if name.startswith(rooms)), *sorted("
        "{'ctypes', 'jinja2', 'rich', 'shutil', 'tempfile'} & set(sys.modules)))\n"
        "    sys.stdout.flush(), os._exit(0)\n"
        "Isolated.start = start\n"
        f"main(['score', {EXAMPLE!r}, '--out', {str(tmp_path)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_a_file_that_ends_its_reader_costs_no_other_file(run: Run, tmp_path: Path) -> None:
    """A cell that claims column ZZZZZZ aborts the library for workbooks."""
    folder, sheet = tmp_path / "inbox", "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    folder.mkdir()
    for name in ("a.csv", "c.csv"):
        (folder / name).write_text(f"{HEADER}\n0042,0.061,12691,3,777\n")
    with zipfile.ZipFile(folder / "b.xlsx", "w") as archive:
        for name, text in {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.xml": f'<workbook xmlns="{sheet}" xmlns:r="{OFFICE}/relationships">'
            '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/'
            f'package/2006/relationships"><Relationship Id="r1" Type="{OFFICE}/relationships'
            '/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{sheet}"><sheetData><row r="1">'
            '<c r="ZZZZZZ1"><v>1</v></c></row></sheetData></worksheet>',
        }.items():
            archive.writestr(name, text)
    result = run("score", folder, "--out", tmp_path / "out", "--model", "original", "--json")
    assert refused(result) == "Error: 1 of 3 files: were refused, the others scored"
    assert [manifest["input"]["name"] for manifest in json.loads(result.stdout)] == [
        "a.csv",
        "c.csv",
    ]


def test_a_challenger_is_shown_beside_the_model(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main,
        [
            "score",
            EXAMPLE,
            "--out",
            str(tmp_path),
            "--challenger",
            "original",
        ],
    )
    assert result.exit_code == 0
    assert "995 customers that both assigned, with ids that training never matched" in result.stdout
    assert "Challenger 3" in result.stdout
    assert "Expected to leave of these: 173 by the model, 173 by the challenger" in result.stdout


def test_a_model_is_no_challenger_of_its_own_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    def score(reference: str) -> Result:
        given = [
            "score",
            EXAMPLE,
            "--out",
            str(tmp_path),
            "--challenger",
            reference,
        ]
        return CliRunner().invoke(main, given)

    same = score("champion")
    assert same.exit_code == 0
    assert "champion is the model itself; scored without a challenger" in same.stderr
    assert "Challenger" not in same.stdout
    wrong = score("best")
    assert wrong.exit_code == 2
    assert "no model 'best'" in wrong.stderr


def test_columns_by_other_names_are_named_by_an_option(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    header = HEADER.replace("Credit_Limit", "credit-limit").replace("CLIENTNUM", "Client Num")
    path.write_text(f"{header}\n1,0.5,2000,3,777\n")
    arguments = ["score", str(path), "--out", str(tmp_path / "out"), "--model", "original"]
    said = refused(run(*arguments))
    assert "no column Credit_Limit; expected a header that names it, found: Client Num" in said
    option, also = '--map "credit-limit=Credit_Limit"', '--map "Client Num=CLIENTNUM"'
    assert said.rstrip().endswith(f"Then say {option} {also}")
    first = run(*arguments, *shlex.split(option))
    assert f"Note: no column CLIENTNUM, though 'Client Num' is near: {also}" in first.stdout
    both = run(*arguments, *shlex.split(f"{also} {option}"), "--json")
    again = run(*arguments, *shlex.split(f"{option} {also}"), "--json")
    manifest = json.loads(both.stdout)
    assert json.loads(again.stdout)["run"] == manifest["run"]
    assert manifest["input"]["matched"] == {
        "credit-limit": "Credit_Limit", "Client Num": "CLIENTNUM",
    }  # fmt: skip
    assert len([*(tmp_path / "out/other.csv").iterdir()]) == 2
    written = next((tmp_path / "out").glob(f"other.csv/{manifest['run']}/assigned.csv"))
    assert written.read_text().startswith(f"{header},cluster,")
