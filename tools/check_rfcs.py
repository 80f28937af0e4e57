#!/usr/bin/env python3
"""Every RFC that a comment cites is listed in docs/rfc.md, with what is done of it; and nothing else is."""

import re
import sys

from check_includes import ROOT, sources


def main():
    cited = {}
    for path in sources():
        for number in re.findall(r"\bRFC ?(\d{3,5})\b", path.read_text(errors="replace")):
            cited.setdefault(int(number), str(path.relative_to(ROOT)))
    page = ROOT / "docs" / "rfc.md"
    listed = {int(number) for number in re.findall(r"^\| (\d{3,5}) \|", page.read_text(), re.M)} if page.exists() else set()
    problems = [f"docs/rfc.md: RFC {number} is missing ({where} cites it)" for number, where in sorted(cited.items())
                if number not in listed]
    problems += [f"docs/rfc.md: RFC {number} is cited nowhere" for number in sorted(listed - set(cited))]
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
