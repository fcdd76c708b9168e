"""Make a project from a preset, without questions, into `build/`: a fresh one each time."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from cookiecutter.main import cookiecutter
from presets import PRESETS

ROOT = Path(__file__).resolve().parent.parent


def render(preset: str, into: Path) -> Path:
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    made = cookiecutter(
        str(ROOT), no_input=True, default_config=True, extra_context=PRESETS[preset], output_dir=str(into)
    )
    return Path(made)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a project from a preset into build/.")
    parser.add_argument("preset", choices=PRESETS, nargs="?", default="default")
    preset = parser.parse_args().preset
    print(render(preset, ROOT / "build" / preset))


if __name__ == "__main__":
    main()
