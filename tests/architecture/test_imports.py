"""Who may import whom, and that the checker which says so finds a violation of every rule.

Modules are parsed, never imported: imports inside functions count, under TYPE_CHECKING too, and so do modules named
to `import_module` or run as `-m` from Python. The rules are those of docs/architecture.md.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("system", "loadgen", "experiments")

#: The analysing half of experiments: what reads sealed results.
ANALYSING = ("store", "metrics", "stats", "analysis", "plots", "report")
#: The processes of the system, which meet in system.wire, system.broker and system.settings alone.
PROCESSES = ("system.agent", "system.gateway", "system.worker")
#: The one reader of the environment within the system.
SETTINGS = "system.settings"


class Module(NamedTuple):
    """A module's dotted name, its source and whether it is a package's `__init__`."""

    name: str
    source: str
    package: bool = False


def modules() -> list[Module]:
    """Every module of ours."""
    found = []
    for top in OURS:
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            package = parts[-1] == "__init__"
            found.append(Module(".".join(parts[:-1] if package else parts), path.read_text("utf-8"), package))
    return found


# What a module imports.


def imports(module: Module) -> Iterator[str]:
    """The dotted names it imports, as far as the source says them: of `from a import b` both a and a.b."""
    for node in ast.walk(ast.parse(module.source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node.level, node.module)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__", "run_module"}:
            yield from (name for name in map(_literal, node.args[:1]) if name)


def _absolute(module: Module, level: int, name: str | None) -> str:
    if not level:
        return name or ""
    parts = module.name.split(".")
    base = parts[: len(parts) - level + module.package]
    return ".".join([*base, *([name] if name else [])])


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _literal(node: ast.expr) -> str:
    """The beginning of a text that is known before it runs: a literal, or an f-string's first part."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def under(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def ours(name: str) -> bool:
    return under(name, *OURS)


# The rules. Each says what is wrong with one import of a module, or None.


def system_stands_alone(importer: str, name: str) -> bool:
    return under(importer, "system") and under(name, "loadgen", "experiments")


def processes_never_import_one_another(importer: str, name: str) -> bool:
    home = next((one for one in PROCESSES if under(importer, one)), None)
    return home is not None and under(name, *(one for one in PROCESSES if one != home))


def loadgen_takes_only_the_wire(importer: str, name: str) -> bool:
    return under(importer, "loadgen") and (
        (under(name, "system") and name != "system" and not under(name, "system.wire")) or under(name, "experiments")
    )


def the_model_imports_nothing_of_ours(importer: str, name: str) -> bool:
    return under(importer, "loadgen.model") and ours(name) and name != "loadgen" and not under(name, "loadgen.model")


def analysing_reads_sealed_results_alone(importer: str, name: str) -> bool:
    halves = tuple(f"experiments.{part}" for part in ANALYSING)
    if not under(importer, *halves) or not ours(name) or name in OURS:
        return False
    return not under(name, *halves, "loadgen.model")


Rule = Callable[[str, str], bool]
RULES: tuple[Rule, ...] = (
    system_stands_alone,
    processes_never_import_one_another,
    loadgen_takes_only_the_wire,
    the_model_imports_nothing_of_ours,
    analysing_reads_sealed_results_alone,
)


def violations(all_modules: list[Module], rule: Rule) -> list[str]:
    """The imports that break a rule, as `importer -> imported`."""
    return [f"{module.name} -> {name}" for module in all_modules for name in imports(module) if rule(module.name, name)]


def environment_readers(all_modules: list[Module]) -> list[str]:
    """Modules of the system, other than its settings, that read the environment."""
    found = []
    for module in all_modules:
        if not under(module.name, "system") or module.name == SETTINGS:
            continue
        for node in ast.walk(ast.parse(module.source)):
            named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            taken = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            if {named, *taken} & {"environ", "environb", "getenv", "getenvb", "putenv", "expandvars"}:
                found.append(f"{module.name}, line {getattr(node, 'lineno', 0)}")
    return found


def cycles(all_modules: list[Module]) -> list[str]:
    """Modules that import one another round in a circle as they are loaded (imports in functions are made later)."""
    names = {module.name for module in all_modules}
    edges = {module.name: _loaded(module, names) - {module.name} for module in all_modules}
    found, done = [], set[str]()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append(" -> ".join([*path[path.index(name) :], name]))
        elif name not in done:
            for other in sorted(edges[name]):
                visit(other, [*path, name])
            done.add(name)

    for name in sorted(names):
        visit(name, [])
    return found


def _loaded(module: Module, names: set[str]) -> set[str]:
    """Which of `names` it imports at once: not in functions, not for type checkers alone.

    Of `from package import name` it is the submodule `name`, if there is one, and not the package: that a submodule's
    package is loaded before it is no circle, for what the package's `__init__` imports then is there already.
    """
    tree = ast.parse(module.source)
    later = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _for_type_checkers(node)
        for inner in ast.walk(node)
        if inner is not node
    }
    found = set()
    for node in ast.walk(tree):
        if node in later:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node.level, node.module)
            wanted = {f"{base}.{alias.name}" for alias in node.names}
            found |= wanted if wanted <= names else wanted | {base}
    return found & names


def _for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


# The rules hold.

EVERY = modules()


def test_there_are_modules_to_check() -> None:
    assert {module.name for module in EVERY} >= {"system", "system.wire", "loadgen.swarm", "experiments.metrics.trial"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_the_rule(rule: Rule) -> None:
    assert violations(EVERY, rule) == []


def test_only_the_settings_read_the_environment() -> None:
    assert environment_readers(EVERY) == []


def test_no_modules_import_one_another_in_a_circle() -> None:
    assert cycles(EVERY) == []


def test_no_file_is_longer_than_400_lines() -> None:
    files = [path for top in (*OURS, "tests") for path in (ROOT / top).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in files}
    assert {path: lines for path, lines in lengths.items() if lines > 400} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        module.name
        for module in EVERY
        if not module.name.split(".")[-1].startswith("_")
        and module.source.strip()
        and not ast.get_docstring(ast.parse(module.source))
    ]
    assert silent == []


# The checker finds what is planted.

PLANTS: list[tuple[Rule, str, str, str]] = [
    (system_stands_alone, "system.broker.x", "import loadgen.swarm", "loadgen.swarm"),
    (system_stands_alone, "system.sweeper", "def f():\n    from experiments import run", "experiments"),
    (system_stands_alone, "system", "from experiments.store.run import RunFolder", "experiments.store.run"),
    (processes_never_import_one_another, "system.gateway.x", "from system import worker", "system.worker"),
    (processes_never_import_one_another, "system.worker.x", "from ..agent.buffer import Buffer", "system.agent.buffer"),
    (
        processes_never_import_one_another,
        "system.agent.x",
        "import importlib\nimportlib.import_module('system.gateway.server')",
        "system.gateway.server",
    ),
    (loadgen_takes_only_the_wire, "loadgen.swarm", "from system.broker import keys", "system.broker"),
    (loadgen_takes_only_the_wire, "loadgen.x", "from system import settings", "system.settings"),
    (loadgen_takes_only_the_wire, "loadgen.x", "from system.wirecutter import y", "system.wirecutter"),
    (loadgen_takes_only_the_wire, "loadgen.model.x", "import experiments.design.plan", "experiments.design.plan"),
    (the_model_imports_nothing_of_ours, "loadgen.model.x", "from system.wire import chunk", "system.wire"),
    (the_model_imports_nothing_of_ours, "loadgen.model.a.b", "from ...schedule import schedule", "loadgen.schedule"),
    (
        the_model_imports_nothing_of_ours,
        "loadgen.model.x",
        "if TYPE_CHECKING:\n    from loadgen import progress",
        "loadgen.progress",
    ),
    (analysing_reads_sealed_results_alone, "experiments.metrics.x", "import system.wire.row", "system.wire.row"),
    (analysing_reads_sealed_results_alone, "experiments.store.x", "from loadgen import ring", "loadgen.ring"),
    (
        analysing_reads_sealed_results_alone,
        "experiments.plots.x",
        "from experiments.running.trial import TrialRun",
        "experiments.running.trial",
    ),
    (
        analysing_reads_sealed_results_alone,
        "experiments.report.page",
        "from importlib import import_module\nimport_module(f'experiments.cli.{name}')",
        "experiments.cli.",
    ),
    (
        analysing_reads_sealed_results_alone,
        "experiments.analysis.x",
        "def late():\n    from ..design import plan",
        "experiments.design.plan",
    ),
]


@pytest.mark.parametrize(("rule", "importer", "source", "imported"), PLANTS)
def test_a_planted_violation_is_found(rule: Rule, importer: str, source: str, imported: str) -> None:
    found = violations([Module(importer, source)], rule)
    assert f"{importer} -> {imported}" in found


def test_every_rule_has_a_plant() -> None:
    assert {rule for rule, *_ in PLANTS} == set(RULES)


ALLOWED = [
    ("system.gateway.x", "from system import settings\nfrom system.wire import chunk\nfrom system.broker import keys"),
    ("system.worker.x", "from system.worker.detections import readable\nfrom . import child"),
    ("loadgen.swarm", "from system.wire.chunk import Chunk\nfrom system import wire\nimport loadgen.model.draws"),
    ("loadgen.model.x", "from loadgen.model import draws\nfrom . import chain\nimport numpy"),
    ("experiments.metrics.x", "from loadgen.model.truth import judge\nfrom experiments.store import run"),
    ("experiments.running.trial", "import system.broker.keys, loadgen.swarm, experiments.store.run"),
]


@pytest.mark.parametrize(("importer", "source"), ALLOWED)
def test_what_is_allowed_is_not_found(importer: str, source: str) -> None:
    assert [violations([Module(importer, source)], rule) for rule in RULES] == [[]] * len(RULES)


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['HOME']",
        "import os\ndef f():\n    return os.getenv('HOME')",
        "from os import environ as e\ne['HOME']",
        "from os import getenv",
        "import os as o\no.environb[b'HOME']",
        "import os.path\nos.path.expandvars('$HOME')",
    ],
)
def test_a_planted_reader_of_the_environment_is_found(source: str) -> None:
    assert environment_readers([Module("system.broker.x", source)]) != []
    assert environment_readers([Module(SETTINGS, source), Module("experiments.x", source)]) == []


def test_a_planted_circle_is_found() -> None:
    circle = [
        Module("system.a", "import system.b"),
        Module("system.b", "from system import c, __version__"),
        Module("system.c", "try:\n    from system.a import x\nexcept ImportError:\n    pass"),
        Module("system.d", "import system.a"),
    ]
    assert cycles(circle) == ["system.a -> system.b -> system.c -> system.a"]


@pytest.mark.parametrize("late", ["def f():\n    import system.a", "if TYPE_CHECKING:\n    from system.a import A"])
def test_an_import_that_is_made_later_or_never_closes_no_circle(late: str) -> None:
    assert cycles([Module("system.a", "import system.b"), Module("system.b", late)]) == []
