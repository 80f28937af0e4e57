"""The parameter table of libcommon/config as Python objects, for the generators and checks of this folder."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIG = ROOT / "libcommon" / "config"
TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|(//[^\n]*)|([{}(),|])|([A-Za-z_0-9:.=\'-]+)|(\s+)')


@dataclasses.dataclass
class Param:
    name: str
    default: str
    kind: str
    limits: dict
    services: list
    since: str
    tier: int
    doc: str
    flags: set
    effect: str = "no_effect"


def tokens(text):
    """Yields ('string', value) and ('word', text); neighbouring strings are joined as the compiler does."""
    position, pending = 0, None
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise SystemExit(f"cannot read the table near: {text[position:position + 60]!r}")
        position = match.end()
        string, comment, mark, word, _ = match.groups()
        if string is not None:
            pending = (pending or "") + re.sub(r"\\(.)", r"\1", string)
            continue
        if comment or not (mark or word):
            continue
        if pending is not None:
            yield "string", pending
            pending = None
        yield "word", mark or word
    if pending is not None:
        yield "string", pending


def parse_rows(text):
    """Splits { … } rows into lists of columns; a column is a string, or a list of words."""
    rows, columns, depth = [], [], 0
    for kind, value in tokens(text):
        if kind == "word" and value == "{":
            depth += 1
            if depth == 1:
                columns = [[]]
            continue
        if kind == "word" and value == "}":
            depth -= 1
            if depth == 0:
                rows.append(columns)
            continue
        if depth == 1 and value == "," and kind == "word":
            columns.append([])
        elif depth >= 1:
            columns[-1].append(value)
    return rows


def names_in(path):
    return re.findall(r'^"([^"]+)"', path.read_text(), re.M)


def used_names():
    """Which file of used/ lists which names."""
    return {path.stem: names_in(path) for path in sorted((CONFIG / "used").glob("*.inc"))}


def load():
    params = {}
    for path in sorted((CONFIG / "table").glob("*.inc")):
        for row in parse_rows(path.read_text()):
            name, default, kind, limits, services, since, tier, doc, flags = row
            words = " ".join(word for word in limits if word != ",")
            params[name[0]] = Param(
                name[0], default[0], kind[0].removeprefix("Kind::"),
                dict(re.findall(r"\.(\w+) = '?(\w+)'?", words)),
                [service for service in services[0].split(",") if service], since[0], int(tier[0]), doc[0],
                {flag for flag in flags if flag not in ("0", "|")})
    for stem, names in used_names().items():
        effect = "built_in" if stem == "built_in" else "used"
        for name in names:
            if name in params and params[name].effect != "used":
                params[name].effect = effect
    for param in params.values():
        if param.kind == "read_only":
            param.effect = "built_in"
    return dict(sorted(params.items()))
