"""Refuse answers that would make a broken project, with the sentence that copier says too.

cookiecutter renders this file before it runs it. The rules are those of `cookiecutter.json`; the Jinja twin of
`broken` is in `scripts/questions.py`. Standard library only: it runs in whatever environment cookiecutter has.
"""

import json
import re
import sys
from typing import Any

CONTEXT = json.loads({{cookiecutter | jsonify | tojson}})  # type: ignore  # noqa: F821
TYPED = json.loads({{_cookiecutter | default({}) | jsonify | tojson}})  # type: ignore  # noqa: F821
SHOWN = 80  # characters of a refused value that its message repeats


def broken(value: str, rule: "dict[str, Any]") -> bool:
    if "max" in rule:
        return len(value) > int(rule["max"])
    if "match" in rule:
        return re.fullmatch(rule["match"], value) is None
    if "forbid" in rule:
        return re.search(rule["forbid"], value) is not None
    return value in str(rule["reserved"]).split()


def refusal(question: str) -> "str | None":
    """What is wrong with the answer, if anything: its value and the remedy."""
    answer = str(CONTEXT[question])
    for rule in CONTEXT["_validators"].get(question, []):
        values = [answer]
        if rule.get("typed") and isinstance(TYPED.get(question), str):
            values.append(TYPED[question])  # cookiecutter has executed what was typed: look at it as it was
        for value in values:
            if broken(value, rule):
                return f"{question} {json.dumps(value[:SHOWN], ensure_ascii=False)} {rule['say']}"
    return None


def conflicts() -> "list[str]":
    found = []
    for conflict in CONTEXT["_conflicts"]:
        asked = [key for key in CONTEXT["_questions"] if key in conflict["when"]]
        if all(CONTEXT[key] in conflict["when"][key] for key in asked):
            pair = " with ".join(f"{key} {json.dumps(CONTEXT[key])}" for key in asked)
            found.append(f"{pair}: {conflict['say']}")
    return found


def main() -> int:
    refusals = [said for said in map(refusal, CONTEXT["_questions"]) if said] + conflicts()
    for said in refusals:
        sys.stderr.buffer.write(f"{said}\n".encode("utf-8", "backslashreplace"))
    return 1 if refusals else 0


if __name__ == "__main__":
    sys.exit(main())
