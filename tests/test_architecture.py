"""The structure: the drawing of BUILD_NOTES.md, flags, prints, light imports, commands."""

import ast
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("mtnet_tf", "data_builders", "experiments")
SOURCES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if not path.name.endswith("_test.py") and path != ROOT / "mtnet_tf/__init__.py"
]
PROGRAMS = [
    path for path in sorted((ROOT / "experiments").glob("*.py")) if path.name != "__init__.py"
]


def unit(module):
    """mtnet_tf is seen module by module, the other packages whole."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "mtnet_tf" else parts[0]


def measured_edges():
    edges = {}
    for path in SOURCES:
        name = unit(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text())):
            found = []
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
                found = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found = [node.module]
            for module in found:
                if module.split(".")[0] in PACKAGES and unit(module) != name:
                    edges.setdefault(name, set()).add(unit(module))
    return edges


def test_build_notes_draw_the_edges():
    (block,) = re.findall(r"```edges\n(.*?)```", (ROOT / "BUILD_NOTES.md").read_text(), re.DOTALL)
    drawn = {
        line.partition(" -> ")[0]: set(line.partition(" -> ")[2].split(", "))
        for line in block.strip().splitlines()
    }
    assert drawn == measured_edges()


def test_nothing_imports_experiments_and_there_is_no_circle():
    edges = measured_edges()
    assert all("experiments" not in targets for targets in edges.values())
    assert edges["data_builders"] <= {
        *("mtnet_tf.data", "mtnet_tf.errors", "mtnet_tf.files"),
        *("mtnet_tf.progress", "mtnet_tf.speech"),
    }
    done = set()

    def visit(name, above):
        assert name not in above, f"a circle through {name}"
        if name not in done:
            for target in edges.get(name, ()):
                visit(target, [*above, name])
            done.add(name)

    for name in edges:
        visit(name, [])


def test_describing_and_evaluating_need_no_training():
    edges = measured_edges()
    for part in ("mtnet_tf.describe", "mtnet_tf.evaluation", "mtnet_tf.exporting"):
        assert "mtnet_tf.training" not in edges[part]


def test_what_is_imported_within_the_project_is_there():
    """Also in modules and functions that no fast test imports: each name is in its module."""
    missing = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or node.module.split(".")[0] not in PACKAGES:
                continue
            place = ROOT / node.module.replace(".", "/")
            file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            source = file.read_text() if file.is_file() else ""
            for alias in node.names:
                defined = rf"^(?:def |class |from .* |import .* |    |[\w, ]+, )?{alias.name}\b"
                found = re.search(defined, source, re.MULTILINE)
                submodule = (place / alias.name).is_dir() or (place / f"{alias.name}.py").is_file()
                if not found and not submodule:
                    missing.append(f"{path}:{node.lineno}: {node.module}.{alias.name}")
    assert missing == []


def test_few_modules_lie_loose_in_the_library():
    loose = {path.name for path in (ROOT / "mtnet_tf").glob("*.py")} - {"__init__.py"}
    assert len(loose) <= 5, loose


def test_the_index_of_the_notes_names_what_there_is():
    """Each `file: name, name` of BUILD_NOTES.md's first section is in that file."""
    notes = (ROOT / "BUILD_NOTES.md").read_text()
    index = notes[notes.index("## Where is it") : notes.index("Where does a new thing belong?")]
    entries = re.findall(r"`([\w/]+\.py)(?:: ([\w.]+))?`((?:, `\w+`)*)", index)
    assert len(entries) > 20
    for path, name, more in entries:
        source = (ROOT / path).read_text()
        for part in [*filter(None, name.split(".")), *re.findall(r"\w+", more)]:
            assert re.search(rf"^ *(def |class )?{part}\b", source, re.MULTILINE), (path, part)


def test_library_has_no_flags_and_no_prints():
    for path in SOURCES:
        if path.parts[len(ROOT.parts)] == "experiments":
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "absl":
                assert "flags" not in [alias.name for alias in node.names], path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_programs_are_short_and_read_every_flag(path):
    source = path.read_text()
    tree = ast.parse(source)
    (main,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "main"]
    assert main.end_lineno - main.lineno < 60
    assert len(ast.get_docstring(tree)) > 60
    for name in re.findall(r"^(_\w+) = flags\.DEFINE", source, re.MULTILINE):
        assert len(re.findall(rf"\b{name}\b", source)) > 1, name


def words(node):
    """The attributes and the strings of some code, among which are the flags that it reads."""
    nodes = list(ast.walk(node))
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return names | {node.value for node in nodes if isinstance(node, ast.Constant)}


def shared_functions():
    """{function of experiments.program: (flags that it defines, words that it may read)}."""
    found = {}
    for path in (ROOT / "experiments/program").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
            defined = {
                call.args[0].value
                for call in calls
                if isinstance(call.func, ast.Attribute) and call.func.attr.startswith("DEFINE_")
            }
            called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
            found[node.name] = (defined, words(node), called)

    def closure(name):
        defined, read, called = found[name]
        parts = [closure(other) for other in called & set(found) - {name}]
        return defined.union(*(p[0] for p in parts)), read.union(*(p[1] for p in parts))

    return {name: closure(name) for name in found}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_programs_read_every_shared_flag_that_they_define(path):
    shared, read = shared_functions(), words(ast.parse(path.read_text()))
    used = [shared[name] for name in read & set(shared)]
    defined = set().union(*(part[0] for part in used))
    for name in read & set(shared):
        read = read if name.startswith("define_") else read | shared[name][1]
    assert defined <= read


@pytest.mark.parametrize(
    "module", ["mtnet_tf.metrics", "mtnet_tf.metrics.scoring_pool", "mtnet_tf.data.audio"]
)
def test_worker_modules_do_not_import_tensorflow(module):
    code = f"import sys, {module}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def documented_commands():
    for name in ["README.md", "experiments/results/README.md"]:
        path = ROOT / name
        if path.exists():
            text = re.sub(r"\\\n\s*", "", path.read_text())
            for line in re.findall(r"python -m experiments\.[^\n`]*", text):
                yield pytest.param(line, id=f"{name}: {line[:60]}")
    for path in PROGRAMS:
        text = re.sub(r"\\\n\s*", "", path.read_text())
        for line in re.findall(r"^    python -m experiments\.[^\n`]*", text, re.MULTILINE):
            yield pytest.param(line.strip(), id=f"{path.name}: {line.strip()[:60]}")


def unknown_flags(line):
    """The flags of a command that neither its program nor a function that it calls defines."""
    words = [word for word in shlex.split(line.partition("  ")[0]) if word not in ("&&", "\\")]
    source = (ROOT / f"{words[2].replace('.', '/')}.py").read_text()
    defined = set(re.findall(r'DEFINE_\w+\(\s*"(\w+)"', source)) | {"help"}
    shared = shared_functions()
    for name in re.findall(r"\bprogram\.(define_\w+)\(", source):
        defined |= shared[name][0]
    given = [word.strip("[]").partition("=")[0] for word in words[3:]]
    return [flag for flag in given if flag.startswith("--") and flag[2:] not in defined]


@pytest.mark.parametrize("line", list(documented_commands()))
def test_documented_commands_parse(line):
    """Each flag of each command that a text shows is a flag of that program."""
    assert unknown_flags(line) == []


def test_a_flag_of_another_program_is_unknown():
    """Of the shared flags a program has those of the functions that it calls, and no others."""
    line = "python -m experiments.{} --preset=tiny --num_processes=1 --run_dir=runs/x --bogus"
    assert unknown_flags(line.format("describe")) == ["--preset", "--num_processes", "--bogus"]
    assert unknown_flags(line.format("evaluate")) == ["--preset", "--bogus"]
