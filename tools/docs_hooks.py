# SPDX-License-Identifier: GPL-2.0-or-later
"""What the site makes of the pages: the reference from the stubs, and links out of docs/ that lead nowhere there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import docs_reference

OUTSIDE = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+)([^)]+)\)")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Called by mkdocs for each page."""
    depth = page.file.src_uri.count("/")

    def outside(found: re.Match[str]) -> str:
        if found[2].count("../") <= depth:
            return found[0]
        repository = config.get("repo_url")
        return f"[{found[1]}]({repository}/blob/main/{found[3]})" if repository else found[1]

    # needs are for the tests; a reader sees them as well
    markdown = OUTSIDE.sub(outside, markdown)
    return re.sub(
        r"^::: (\w+)$", lambda found: docs_reference.described(found[1]), markdown, flags=re.MULTILINE
    )
