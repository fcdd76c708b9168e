"""Write what follows from the questions in `cookiecutter.json`: `copier.yml` and the tables of options.

`cookiecutter.json` is the one place where a question, its default, its help, its rules and its consequences
are written. Run without arguments to write, with `--check` to be told what is out of date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MARKS = ("<!-- options -->", "<!-- /options -->")
SHOWN = 80  # characters of a refused value that its message repeats

Spec = dict[str, Any]


def load(root: Path = ROOT) -> Spec:
    spec: Spec = json.loads((root / "cookiecutter.json").read_text(encoding="utf-8"))
    return spec


def questions(spec: Spec) -> list[str]:
    return [key for key in spec if not key.startswith("_")]


def flat(template: str) -> str:
    """In copier an answer is a variable of its own, not an attribute of `cookiecutter`."""
    return template.replace("cookiecutter.", "")


def literal(text: str) -> str:
    """A Jinja string literal: it reads the same escapes as JSON."""
    return json.dumps(text, ensure_ascii=False)


def scalar(text: object) -> str:
    """A double-quoted YAML scalar: it reads the same escapes as JSON."""
    return json.dumps(text, ensure_ascii=False)


def broken(question: str, rule: Spec) -> str:
    """The Jinja test that is true when the answer breaks the rule; `hooks/pre_gen_project.py` has its twin."""
    if "max" in rule:
        return f"{question}|length > {rule['max']}"
    if "match" in rule:
        whole = rf"\A(?:{rule['match']})\Z"
        return f"{question}|regex_search({literal(whole)}) is none"
    if "forbid" in rule:
        return f"{question}|regex_search({literal(rule['forbid'])}) is not none"
    return f"{question} in {literal(rule['reserved'])}.split()"


def validator(spec: Spec, question: str) -> list[str]:
    """The lines of a copier validator: nothing when the answer is good, else the sentence that the hook says too."""
    shown = f"{question} {{{{ {question}[:{SHOWN}]|to_json(ensure_ascii=False) }}}}"
    tests = [(broken(question, rule), rule["say"], shown) for rule in spec["_validators"].get(question, [])]
    for conflict in spec["_conflicts"]:
        asked = [key for key in questions(spec) if key in conflict["when"]]
        if asked[-1] == question:  # by now the other answers are known
            test = " and ".join(f"{key} in {conflict['when'][key]}" for key in asked)
            pair = " with ".join(f"{key} {{{{ {key}|to_json }}}}" for key in asked)
            tests.append((test, conflict["say"], pair + ":"))
    lines = []
    for number, (test, say, subject) in enumerate(tests):
        lines.append(f"{{%- {'elif' if number else 'if'} {test} -%}}")
        lines.append(f"{subject} {{{{ {literal(say)} }}}}")
    return [*lines, "{%- endif -%}"] if lines else []


def copier_question(spec: Spec, question: str) -> list[str]:
    default, prompt = spec[question], spec["__prompts__"][question]
    lines = ["", f"{question}:", "  type: str"]
    if isinstance(default, list):
        lines += [f"  help: {scalar(prompt['__prompt__'])}", "  choices:"]
        lines += [f"    {scalar(prompt[choice])}: {scalar(choice)}" for choice in default]
        lines += [f"  default: {scalar(default[0])}"]
    else:
        lines += [f"  help: {scalar(prompt)}", f"  default: {scalar(flat(default))}"]
    if tests := validator(spec, question):
        lines += ["  validator: |-", *(f"    {line}" for line in tests)]
    return lines


def anyones(path: str) -> str:
    """A pattern that fits the path whatever the answers: copier renders some patterns before it knows them."""
    return "/" + re.sub(r"\{\{.*?\}\}", "*", path)


def excluded(spec: Spec) -> list[str]:
    """Patterns of paths that copier leaves out: always, by the answers, and when it updates a project."""
    patterns = ["/.git", "__pycache__", "*.py[co]", ".DS_Store"]
    for row in spec["_conditional_paths"]:
        kept = " and ".join(f"{key} in {values}" for key, values in row["only"].items())
        patterns.append(f"{{% if not ({kept}) %}}/{flat(row['path'])}{{% endif %}}")
    for path in spec["_owned"]:
        patterns.append(f"{{% if _copier_operation == 'update' %}}{anyones(path)}{{% endif %}}")
    for path, since in spec["_arrivals"].items():
        test = f"_copier_operation == 'update' and starter_files|default(0)|int < {since}"
        patterns.append(f"{{% if {test} %}}!{anyones(path)}{{% endif %}}")
    return patterns


def copier_yml(spec: Spec) -> str:
    stored = json.dumps(questions(spec))
    derived = {key: flat(value) for key, value in spec.items() if key.endswith(("_quoted", "_markdown"))}
    steps = [f"  {step}" for step in spec["_next_steps"]]
    lines = [
        "# Written by scripts/questions.py from cookiecutter.json: edit that file, then run `make questions`.",
        '_min_copier_version: "9.15.0"',
        '_subdirectory: "{% raw %}{{cookiecutter.project_slug}}{% endraw %}"',
        '_templates_suffix: ""',
        "_envops:",
        "  undefined: jinja2.StrictUndefined",
        "_message_after_copy: |",
        "  Made. Next:",
        "    cd {{ _copier_conf.dst_path }}",
        *(f"  {step}" for step in steps),
        "_message_after_update: |",
        "  Updated, your folders left alone. See `git status`, mend conflicts, run `make test`, commit.",
        "",
        "# Left out: never part of a project; not asked for; and, in an update, what belongs to the user.",
        "_exclude:",
        *(f"  - {scalar(pattern)}" for pattern in excluded(spec)),
        "",
        "# Never overwritten, not even by `copier recopy`: what belongs to the user.",
        "_skip_if_exists:",
        *(f"  - {scalar(anyones(path))}" for path in spec["_owned"]),
    ]
    for question in questions(spec):
        lines += copier_question(spec, question)
    lines += [
        "",
        "# Never asked, never stored: the name under which the tree reads every answer.",
        "cookiecutter:",
        "  type: json",
        "  when: false",
        "  default: >-",
        *(f"    {{%- set {key} -%}}{value}{{%- endset -%}}" for key, value in derived.items()),
        "    {{ dict(_copier_answers,",
        *(f"    {key}={key}," for key in derived),
        f"    _starter_files={spec['_starter_files']},",
        f"    _questions={stored}) | to_json }}}}",
    ]
    return "\n".join(lines) + "\n"


def options_table(spec: Spec) -> str:
    rows = ["| question | default | what it is |", "|---|---|---|"]
    for question in questions(spec):
        default, prompt = spec[question], spec["__prompts__"][question]
        if isinstance(default, list):
            what = f"{prompt['__prompt__']}: " + ", ".join(f"`{choice}`" for choice in default)
            shown = f"`{default[0]}`"
        else:
            what = prompt
            shown = "from the name" if question == "project_slug" else f"`{re.sub(r'{{.*?}}', '…', default)}`"
            shown = "from the slug" if question == "package_name" else shown
        rows.append(f"| `{question}` | {shown} | {what} |")
    return "\n".join(rows)


def between_marks(text: str, table: str) -> str:
    start, end = MARKS
    head, _, rest = text.partition(start)
    _, _, tail = rest.partition(end)
    return f"{head}{start}\n{table}\n{end}{tail}"


def outputs(root: Path = ROOT) -> dict[Path, str]:
    """Every file that follows from the questions, with the text that it should have."""
    spec = load(root)
    files = {root / "copier.yml": copier_yml(spec)}
    for page in (root / "README.md", root / "docs" / "options.md"):
        if page.exists() and MARKS[0] in (text := page.read_text(encoding="utf-8")):
            files[page] = between_marks(text, options_table(spec))
    return files


def stale(root: Path = ROOT) -> list[Path]:
    return [
        path for path, text in outputs(root).items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    options = parser.parse_args()
    old = stale()
    for path in old:
        name = path.relative_to(ROOT)
        if options.check:
            print(f"{name} does not follow cookiecutter.json; run `make questions`.", file=sys.stderr)
        else:
            path.write_text(outputs()[path], encoding="utf-8")
            print(f"wrote {name}")
    return 1 if options.check and old else 0


if __name__ == "__main__":
    raise SystemExit(main())
