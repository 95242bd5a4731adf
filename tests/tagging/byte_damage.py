"""Damage to the bytes of a file, drawn at random."""

from utils.data.errors import DataError


def damage(content, draw, *, kinds, structures):
    """Flip, cut, insert or swap bytes, once or twice: `kinds` of damage, `structures` that one of them inserts."""
    content = bytearray(content)
    for _ in range(draw.randint(1, 2)):
        start = draw.randrange(len(content) + 1)
        stop = min(start + draw.randint(1, 8), len(content))
        kind = draw.choice(kinds)
        if kind == "flip" and start < stop:
            content[start] ^= 1 << draw.randrange(8)
        elif kind == "cut":
            del content[start:stop]
        elif kind == "end":
            del content[max(start, len(content) // 2) :]
        elif kind == "insert":
            content[start:start] = draw.randbytes(draw.randint(1, 4))
        elif kind == "structure":
            content[start:start] = draw.choice(structures)
        elif kind == "swap":
            other = draw.randrange(len(content) + 1)
            piece, there = content[start:stop], content[other : other + 8]
            content[start:stop] = there
            content[other : other + 8] = piece
    return bytes(content)


def count_outcomes(read, files, folder, *, cases, draw, kinds, structures):
    """How many damaged files `read(path)` reads, and how many it refuses with a `DataError` that names the file."""
    outcomes = {"read": 0, "refused": 0}
    for case in range(cases):
        name = sorted(files)[case % len(files)]
        path = folder / name
        path.write_bytes(damage(files[name], draw, kinds=kinds, structures=structures))
        try:
            read(path)
            outcomes["read"] += 1
        except DataError as error:
            str(error).encode("utf-8")
            assert str(error).startswith(str(path))
            outcomes["refused"] += 1
        except BaseException as error:
            error.add_note(f"case {case}: {name} {path.read_bytes()!r}")
            raise
    return outcomes
