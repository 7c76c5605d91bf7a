"""What went wrong, as a sentence on stderr and an exit code; never a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never

import typer

from email_opens.errors import EmailOpensError, InvalidInput, InvalidSettings

FAILED = 1
BAD_INPUT = 2

_ACCESS = (
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
)
_SIGNED_OUT = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
)


def complain(sentence: str, code: int) -> Never:
    print(sentence, file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def complaints() -> Iterator[None]:
    """Turn what a person can mend into a sentence; a bug of ours still shows its traceback."""
    try:
        yield
    except (InvalidInput, InvalidSettings) as error:
        complain(str(error), BAD_INPUT)
    except EmailOpensError as error:
        complain(str(error), FAILED)
    except Exception as error:
        said = of_aws(error)
        if said is None:
            raise
        complain(*said)


def of_aws(error: Exception) -> tuple[str, int] | None:
    """Return a sentence and an exit code for an error of AWS's library; None: it is another's."""
    # Late, or `--help` would wait for it.
    from botocore import exceptions as aws  # noqa: PLC0415

    known: list[tuple[tuple[type[Exception], ...], str, int]] = [
        (
            (aws.NoRegionError,),
            "No AWS region is set: set AWS_REGION, or name a profile.",
            BAD_INPUT,
        ),
        (
            (aws.NoCredentialsError, aws.PartialCredentialsError),
            "There are no AWS credentials: sign in, or set AWS_PROFILE.",
            BAD_INPUT,
        ),
        (
            (aws.ProfileNotFound, aws.ConfigParseError, aws.InvalidRegionError),
            f"The AWS settings cannot be used: {error}",
            BAD_INPUT,
        ),
        ((aws.HTTPClientError,), f"AWS does not answer: {error}", FAILED),
        ((aws.ClientError,), _refused(error), FAILED),
        ((aws.BotoCoreError,), f"AWS could not be asked: {error}", FAILED),
    ]
    return next(((said, code) for kinds, said, code in known if isinstance(error, kinds)), None)


def _refused(error: Exception) -> str:
    told = getattr(error, "response", {}).get("Error", {})
    code, message = told.get("Code", ""), told.get("Message", "")
    asked = getattr(error, "operation_name", "a request")
    if code == "ResourceNotFoundException":
        return f"AWS knows no such table ({asked}): is the stack in this region and account?"
    if code in _SIGNED_OUT:
        return f"AWS does not accept the credentials ({code}): sign in again."
    if code in _ACCESS:
        return f"AWS forbids {asked} to this user: {message}"
    return f"AWS refused {asked}: {message or code}"
