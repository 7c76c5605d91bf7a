"""Errors as a sentence on stderr and an exit code, never as a traceback."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from traceback import walk_tb
from typing import Never

import typer

from email_opens.errors import EmailOpensError, InvalidInput, InvalidSettings
from email_opens_cli.arguments.selection import NotSelected
from email_opens_cli.terminal.plain import warn

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

ACCESS = (
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
)
_SIGN_IN = "sign in with `aws sso login` or `aws configure`"
_SIGNED_OUT = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
)


def complain(sentence: str, code: int, lines: Iterable[str] = ()) -> Never:
    """Print a sentence on stderr, and lines below it, and end with an exit code."""
    warn(sentence, *lines)
    raise typer.Exit(code)


@contextmanager
def complaints() -> Iterator[None]:
    """Turn an error that a person can fix into a sentence; a bug still shows its traceback."""
    try:
        yield
    except NotSelected as error:
        complain(str(error), BAD_INPUT, error.lines)
    except (InvalidInput, InvalidSettings) as error:
        complain(str(error), BAD_INPUT)
    except EmailOpensError as error:
        complain(str(error), FAILED)
    except Exception as error:
        complaint = of_aws(error)
        if complaint is None:
            raise
        complain(*complaint)


def sentence_of(error: Exception) -> str:
    """Return an error's message; of an unforeseen one only the type, since it may hold secrets."""
    return (
        str(error) if isinstance(error, EmailOpensError) else f"unexpected {type(error).__name__}"
    )


def of_aws(error: Exception) -> tuple[str, int] | None:
    """Return a sentence and an exit code for an error of boto3; None: it is another library's."""
    if "botocore" not in sys.modules:
        return None  # No client of AWS was made.
    # Imported late, or `--help` would load it.
    from botocore import exceptions as aws  # noqa: PLC0415

    complaints_by_kind: list[tuple[tuple[type[Exception], ...], str, int]] = [
        (
            (aws.NoRegionError,),
            "No AWS region is set: set AWS_REGION, or choose a profile with AWS_PROFILE.",
            BAD_INPUT,
        ),
        (
            (aws.NoCredentialsError, aws.PartialCredentialsError),
            f"There are no AWS credentials: {_SIGN_IN}, or set AWS_PROFILE.",
            BAD_INPUT,
        ),
        (
            (aws.ProfileNotFound, aws.ConfigParseError, aws.InvalidRegionError),
            f"The AWS settings cannot be used: {error}",
            BAD_INPUT,
        ),
        (
            (aws.HTTPClientError, aws.ConnectionError),
            f"AWS does not answer: {error}. Check the network, the proxy settings, and AWS_REGION.",
            FAILED,
        ),
        ((aws.ClientError,), _refused(error), FAILED),
        ((aws.BotoCoreError,), f"The request to AWS failed: {error}", FAILED),
    ]
    if _is_raised_in(error, "botocore"):
        # Such as HTML that a proxy answers, or an AWS_ENDPOINT_URL that is no URL.
        text = (
            "boto3 could not send the request to AWS, or could not read the reply "
            f"({type(error).__name__}): check AWS_ENDPOINT_URL and the proxy settings."
        )
        complaints_by_kind.append(((Exception,), text, FAILED))
    found = ((text, code) for kinds, text, code in complaints_by_kind if isinstance(error, kinds))
    return next(found, None)


def _is_raised_in(error: BaseException, package: str) -> bool:
    """Return whether the code of a package, or what it has called, has raised an error."""
    frames = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    return any(name.partition(".")[0] == package for name in frames)


def _refused(error: Exception) -> str:
    details = getattr(error, "response", {}).get("Error", {})
    code, message = details.get("Code", ""), details.get("Message", "")
    operation = getattr(error, "operation_name", "a request")
    if code == "ResourceNotFoundException":
        return f"There is no such table ({operation}): check the region and the AWS account."
    if code in _SIGNED_OUT:
        return f"AWS does not accept the credentials ({code}): {_SIGN_IN}."
    if code in ACCESS:
        return f"AWS denies {operation} to this user: {message}"
    return f"AWS refused {operation}: {message or code}"
