# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds and tests the conda package: conda.py RECIPE OUT. Status 77 if conda-forge is out of reach."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path

import rattler_build

FORGE = "https://conda.anaconda.org/conda-forge"
# what conda-forge builds with; its own file of these comes with its tools
PINS = """
c_compiler: [gcc]
c_compiler_version: ["14"]
rust_compiler: [rust]
c_stdlib: [sysroot]
c_stdlib_version: ["2.28"]
"""


def main(path: str, out: str) -> int:
    recipe = rattler_build.Stage0Recipe.from_file(path)
    variants = recipe.render(rattler_build.VariantConfig.from_yaml(PINS))
    if len(variants) != 1:
        sys.exit(f"{len(variants)} packages come of the recipe; one was meant")
    made = variants[0].recipe.to_dict()
    archive = Path(path).parent / made["source"][0]["path"]
    if not archive.is_file():
        sys.exit(f"there is no {archive}: make sdist")
    print(f"  the recipe makes {made['package']} of {archive.name}")
    try:
        urllib.request.urlopen(f"{FORGE}/linux-64/repodata.json.zst", timeout=30).close()
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"  conda-forge cannot be reached: {error}")
        return 77
    done = variants[0].run_build(
        tool_config=rattler_build.ToolConfiguration(test_strategy="native"), channels=[FORGE], output_dir=out
    )
    print(f"  {done.packages}")
    return 0


sys.exit(main(*sys.argv[1:]))
