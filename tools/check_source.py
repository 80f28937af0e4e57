#!/usr/bin/env python3
"""Banned calls, unfinished places and sizes. Ends with 1 and a list when something is found.

Each rule: pattern, what to do instead, and the files that may do it. Comments and strings are not looked at, except by
the rules for words.
"""

import re
import sys

from check_includes import ROOT, sources

CALL = r"(?<![\w.>:])(?:::|std::)?"
RULES = [
    (CALL + r"(strcpy|strcat|sprintf|vsprintf|gets|strtok|strncpy|alloca)\s*\(", "use std::string or fmt", set()),
    (CALL + r"(system|popen|wordexp)\s*\(", "run programs without a shell: event::Child", set()),
    (CALL + r"(tmpnam|mktemp|tempnam)\s*\(", "use fs::TempFile", set()),
    (CALL + r"(gettimeofday|ftime|time)\s*\((?=\s*(?:nullptr|NULL|0|&)|[^)]*tv)", "use wall_seconds() or monotonic_now()", {"libcommon/base/clock.cc"}),
    (CALL + r"(localtime|gmtime|asctime|ctime)\s*\(", "use localtime_r, or libcommon/base/clock.h", set()),
    (CALL + r"(atoi|atol|atoll|strtol|strtoul|stoi|stoul)\s*\(", "use parse_int() or parse_uint()", set()),
    (CALL + r"(rand|srand|drand48)\s*\(", "use libcommon/base/random.h", set()),
    (CALL + r"(gethostbyname|gethostbyaddr)\s*\(", "use getaddrinfo or libcommon/dns", set()),
    (r"\bthrow\b", "errors are values: Result<T>", set()),
    (r"(?<!operator )\bnew\s+[A-Za-z_:]+\s*[({\[]", "use std::make_unique or a value", set()),
    (r"(?<!= )\bdelete\s+[a-z_]+\s*;", "owners are types with destructors", set()),
    (r"\busing namespace std\s*;", "name what you use", set()),
]
WORDS = [
    (r"\b(TODO|FIXME|XXX|HACK)\b", "finish it, or say in the documentation what is left out"),
]
LONGEST_FILE = 800
LONGEST_FUNCTION = 80
STRIP = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)\'|//[^\n]*|/\*.*?\*/', re.S)


def stripped(text):
    """The text with comments and literals blanked; lines stay where they are."""
    return STRIP.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def rule_problems(name, text):
    tests = name.startswith(("tests/", "bench/"))
    code = stripped(text)
    for pattern, cure, owners in RULES:
        if name in owners or tests:
            continue
        for match in re.finditer(pattern, code):
            line = code[code.rfind("\n", 0, match.start()) + 1:code.find("\n", match.end())]
            if match[0].startswith("new") and re.search(r"_ptr<|\.reset\(", line):
                continue  # a private constructor, owned at once
            yield code.count("\n", 0, match.start()) + 1, f"{match[0].strip()}: {cure}"
    lines = text.splitlines()
    for pattern, cure in WORDS:
        for number, line in enumerate(lines, 1):
            if re.search(pattern, line):
                yield number, f"{line.strip()[:60]}: {cure}"


def sharing_problems(path, text):
    """A file with shared_ptr says why: in a comment before its first use, or where it or its folder's headers speak of
    sharing."""
    first = next((number for number, line in enumerate(stripped(text).splitlines()) if "shared_ptr<" in line), None)
    if first is None or path.relative_to(ROOT).parts[0] in ("tests", "bench"):
        return
    if text.splitlines()[first - 1].strip().startswith("//"):
        return
    texts = [text] + [header.read_text() for header in path.parent.glob("*.h")]
    if not any(re.search(r"//.*\bshare", other) for other in texts):
        yield first + 1, "shared_ptr without a comment that says what is shared, and why one owner does not do"


def function_problems(text):
    """Functions longer than LONGEST_FUNCTION lines, by their indentation (clang-format keeps it reliable)."""
    start = {}
    for number, line in enumerate(stripped(text).splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        opens = line.rstrip().endswith("{") and indent in (0, 2, 4)
        if opens and re.search(r"\)\s*(const|noexcept|override|final|&&|->.*|\s)*\{$", line.rstrip()):
            if not re.match(r"\s*(if|for|while|switch|\}|else|do|namespace)\b", line):
                start[indent] = number
        if line.rstrip().removesuffix(";") in ("}", "  }", "    }") and indent in start:
            length = number - start.pop(indent) + 1
            if length > LONGEST_FUNCTION:
                yield number - length + 1, f"a function of {length} lines: split it, {LONGEST_FUNCTION} is the limit"


def main():
    found = []
    for path in sources():
        name = str(path.relative_to(ROOT))
        text = path.read_text(errors="replace")
        problems = [*rule_problems(name, text), *sharing_problems(path, text), *function_problems(text)]
        if text.count("\n") > LONGEST_FILE:
            problems.append((1, f"{text.count(chr(10))} lines: split it, {LONGEST_FILE} is the limit"))
        if path.suffix == ".h" and "#pragma once" not in text:
            problems.append((1, "a header needs #pragma once"))
        found += [f"{name}:{number}: {what}" for number, what in sorted(problems)]
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
