"""Small files for the readers to read: their lines, and where they are written."""


def lines(*parts):
    return b"\n".join(part if isinstance(part, bytes) else part.encode() for part in parts) + b"\n"
