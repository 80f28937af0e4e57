#!/usr/bin/env python3
"""check_params.py [--missing]: the parameter table against the code that reads it.

Fails when code binds or asks for a parameter that used/*.inc does not list, when a listed name is unknown or nothing
reads it, when a bound member is used nowhere, or when a list is out of order. --missing prints the tier-1 parameters that have no effect yet.
"""

import re
import sys

import params_table
from check_includes import ROOT, sources

READS = [
    re.compile(r'\{\s*"([a-z0-9_]+)",\s*&'),  # rows of bindings<Params>()
    re.compile(r'\b(?:get|get_bool|get_int|get_size|get_time|get_list|expand_list|is_set|raw)\(\s*"([a-z0-9_]+)"'),
]
BINDING = re.compile(r'\{\s*"([a-z0-9_]+)",\s*&(?:\w+::)+(\w+)\s*\}')
EXPANDED_ONLY = {"stress"}  # its value counts where ${stress?…} stands
LITERAL = re.compile(r'"_?([A-Za-z0-9_]+)"')


def code_files():
    for path in sources():
        name = str(path.relative_to(ROOT))
        if name.startswith(("tests/", "libcommon/config/", "commands/postconf/")):
            continue
        yield name, path.read_text(errors="replace")


def find_missing(params):
    for param in params.values():
        if param.effect == "no_effect" and param.tier == 1:
            print(f"{param.name:45} {','.join(param.services):30} {param.doc}")


def idle_members(files):
    """Bound members that no code mentions besides the header that declares and binds them."""
    words = {name: re.findall(r"\w+", text) for name, text in files.items()}
    for name, text in files.items():
        for parameter, member in BINDING.findall(text):
            elsewhere = any(member in found for other, found in words.items() if other != name)
            inside = words[name].count(member) > 2 + (member == parameter)
            if not elsewhere and not inside and parameter not in EXPANDED_ONLY:
                yield f"{name}: {parameter} is bound to {member}, which nothing uses"


def main():
    params = params_table.load()
    if "--missing" in sys.argv:
        return find_missing(params)
    files = dict(code_files())
    problems, literals = list(idle_members(files)), set()
    for name, text in files.items():
        literals |= set(LITERAL.findall(text))
        for pattern in READS:
            for parameter in pattern.findall(text):
                if parameter in params and params[parameter].effect == "no_effect":
                    problems.append(f"{name}: reads {parameter}, which no libcommon/config/used/*.inc lists")
    for stem, names in params_table.used_names().items():
        if names != sorted(names):
            problems.append(f"libcommon/config/used/{stem}.inc: not sorted")
        for parameter in names:
            if parameter not in params:
                problems.append(f"libcommon/config/used/{stem}.inc: {parameter} is not in the parameter table")
            elif stem not in ("built_in", "config") and not read_somewhere(parameter, literals):
                problems.append(f"libcommon/config/used/{stem}.inc: nothing reads {parameter}")
    print("\n".join(sorted(set(problems))), end="\n" if problems else "")
    return 1 if problems else 0


def read_somewhere(parameter, literals):
    """Whether the name, or what is left of it behind a transport's or client's name, stands in the code."""
    if parameter in literals:
        return True
    parts = parameter.split("_")
    return any("_".join(parts[i:]) in literals for i in range(1, len(parts) - 1))


if __name__ == "__main__":
    sys.exit(main())
