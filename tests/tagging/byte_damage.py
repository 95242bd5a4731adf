"""Damage to the bytes of a file, drawn at random."""


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
