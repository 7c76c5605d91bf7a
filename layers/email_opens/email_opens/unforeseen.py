"""What nobody foresaw, told without its own words: those may hold an address or a token."""

import traceback
from pathlib import Path


def unforeseen(error: Exception) -> str:
    """Say which error it is and where it arose, as a sentence."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return f"Unexpected {code or type(error).__name__} at {_place(error)}."


def _place(error: Exception) -> str:
    """Return the file and line of ours from which an error came, however deep it arose."""
    frames = [
        (Path(frame.f_code.co_filename), line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if not frames:
        return "a place unknown"
    ours = [one for one in frames if "email_opens" in one[0].parts]
    file, line = (ours or frames)[-1]
    return f"{file.name}:{line}"
