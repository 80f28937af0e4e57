#!/usr/bin/env python3
"""mkman.py OUT: writes the manual pages of all programs, from the header comments of their main files, and those of
files, from man/src/NAME.SECTION.txt.

A page is named by umaya_program() in the CMakeLists.txt files: daemons (libexec) are in section 8, commands in 1. A
NAME line with several names ("smtp, lmtp - …") makes the others refer to the first.
"""

import pathlib
import re
import sys

import man_text
import params_table

ROOT = params_table.ROOT
PROGRAM = re.compile(r"umaya_program\(\s*(\S+)\s+(\S+)\s+(\S+)")


def programs():
    """(name, section, main file) of every program."""
    for lists in sorted(ROOT.glob("*/CMakeLists.txt")) + sorted(ROOT.glob("*/*/CMakeLists.txt")):
        if "build" in lists.relative_to(ROOT).parts[0]:
            continue
        for name, place, main in PROGRAM.findall(lists.read_text()):
            yield name, 8 if place == "libexec" else 1, lists.parent / main


def parameter_section(names, params):
    """What a daemon reads from main.cf, as lines of a definition list."""
    lines = []
    for param in params.values():
        if param.effect != "used" or not set(names) & set(param.services) or "kPrototype" in param.flags:
            continue
        default = f" ({param.default})" if param.default else " (empty)"
        lines.append(f"{param.name}{default}  {param.doc}.")
    return lines


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    params = params_table.load()
    missing = []
    for name, section, main_file in programs():
        sections = man_text.header_sections(main_file.read_text())
        titles = [title for title, _ in sections]
        if "NAME" not in titles:
            missing.append(f"{main_file.relative_to(ROOT)}: no NAME in the header comment")
            continue
        names = [part.strip() for part in dict(sections)["NAME"][0].split(" - ")[0].split(",")]
        lines = parameter_section(set(names) | {name}, params)
        if lines and section == 8:
            place = titles.index("FILES") if "FILES" in titles else len(sections)
            sections.insert(place, ("CONFIGURATION PARAMETERS", lines))
        (out / f"{name}.{section}").write_text(man_text.page(name, section, sections))
        for other in names:
            if other != name and not (out / f"{other}.{section}").exists():
                (out / f"{other}.{section}").write_text(f".so man{section}/{name}.{section}\n")
    for source in sorted((ROOT / "man" / "src").glob("*.txt")):
        name, section = source.stem.rsplit(".", 1)
        sections = man_text.sections_of(source.read_text().splitlines())
        (out / f"{name}.{section}").write_text(man_text.page(name, section, sections))
    for line in missing:
        print(line, file=sys.stderr)
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
