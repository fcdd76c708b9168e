"""Finish what cookiecutter alone cannot: leave out what the answers leave out, and make the project updatable.

cookiecutter renders this file before it runs it, in the folder of the new project. Standard library only.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CONTEXT = json.loads({{cookiecutter | jsonify | tojson}})  # type: ignore  # noqa: F821
ANSWERS = Path(".copier-answers.yml")


def path_of(template: str) -> Path:
    """A path of the tables in `cookiecutter.json`, which may name an answer."""
    return Path(re.sub(r"\{\{\s*cookiecutter\.(\w+)\s*\}\}", lambda found: CONTEXT[found[1]], template))


def leave_out() -> None:
    for row in CONTEXT["_conditional_paths"]:
        if all(CONTEXT[key] in values for key, values in row["only"].items()):
            continue
        path = path_of(row["path"])
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def template_folder() -> "Path | None":
    """The folder of the template on this machine; under cruft there is none any more.

    cookiecutter repeats a local path as it was typed, relative to a folder that this hook is not in.
    """
    named = CONTEXT.get("_repo_dir")
    if not named:
        return None
    output = CONTEXT.get("_output_dir", "..")
    for base in (os.environ.get("PWD", output), output, str(Path.cwd().parent)):
        folder = Path(base, Path(named).expanduser()).resolve()
        if (folder / "cookiecutter.json").is_file():
            return folder
    return None


def git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def without_credentials(address: str) -> str:
    return re.sub(r"^(https?://)[^/@]*@", r"\1", address)


def origin() -> "dict[str, str]":
    """Where the project came from, as copier would write it: `_commit` and `_src_path`."""
    typed = str(CONTEXT["_template"])
    if "_commit" in CONTEXT:  # cruft knows both
        return {"_commit": CONTEXT["_commit"], "_src_path": without_credentials(typed)}
    folder = template_folder()
    if folder is None or typed.lower().endswith(".zip"):
        return {}
    top = git(folder, "rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != folder:
        return {"_src_path": str(folder)}
    commit = git(folder, "describe", "--tags", "--always")
    local = Path(os.environ.get("PWD", "."), Path(typed).expanduser()).resolve() == folder
    source = str(folder) if local else git(folder, "config", "--get", "remote.origin.url")
    if typed.startswith(("gh:", "gl:")):  # copier reads these two as cookiecutter does
        source = typed
    return {"_commit": commit, "_src_path": without_credentials(source or str(folder))}


def record(known: "dict[str, str]") -> None:
    """Add to the answers file what no template can know; it comes right after the comment."""
    lines = ANSWERS.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    kept = [line for line in lines[start:] if line.split(":")[0] not in known]
    added = [f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in known.items()]
    with ANSWERS.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines([*lines[:start], *added, *kept])


def main() -> int:
    leave_out()
    known = origin()
    if known:
        record(known)
    else:
        ANSWERS.unlink()
        print("No .copier-answers.yml was written: a zip file has no versions, so `copier update` could not work.")
    if known and "_commit" not in known:
        print("The template is not a git repository: `copier update` will not work on this project.")
    elif re.search(r"-\d+-g[0-9a-f]+$", known.get("_commit", "")):
        print(f"Made from an unreleased state ({known['_commit']}): updates begin with the release after it.")
    print(f"Made. Next:\n  cd {Path.cwd().name}")
    for step in CONTEXT["_next_steps"]:
        print(f"  {step}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
