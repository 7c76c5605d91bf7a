"""The vendor's error replies."""

from http import HTTPStatus

from constant_contact_emulator.messages import Reply


def invalid(message: str) -> Reply:
    error = {"error_key": "reports.api.validation.error", "error_message": message}
    return Reply(HTTPStatus.BAD_REQUEST, [error])


def unauthorized() -> Reply:
    error = {"error_key": "unauthorized", "error_message": "Unauthorized"}
    return Reply(HTTPStatus.UNAUTHORIZED, error)


def forbidden() -> Reply:
    message = "Request forbidden due to insufficient user privileges."
    error = {"error_key": "access_denied", "error_message": message}
    return Reply(HTTPStatus.FORBIDDEN, error)


def not_found() -> Reply:
    message = "The requested resource was not found."
    return Reply(HTTPStatus.NOT_FOUND, [{"error_key": "not_found", "error_message": message}])


def throttled() -> Reply:
    error = {"error_key": "throttled", "error_message": "Too Many Requests"}
    return Reply(HTTPStatus.TOO_MANY_REQUESTS, error)


def quota_exceeded() -> Reply:
    error = {"error_key": "quota_exceeded", "error_message": "Limit Exceeded"}
    return Reply(HTTPStatus.TOO_MANY_REQUESTS, error)


def gateway(status: int) -> Reply:
    """Return what the gateway in front of the API answers."""
    headers = {"x-amz-apigw-id": "emulated"}
    return Reply(status, {"message": HTTPStatus(status).phrase}, headers)


def token_throttled() -> Reply:
    return Reply(HTTPStatus.TOO_MANY_REQUESTS, None, {"retry-after": "1"})


def html(status: int) -> Reply:
    page = f"<html><head><title>{status}</title></head><body>{status}</body></html>"
    return Reply(status, page.encode(), media="text/html")


def of_status(status: int) -> Reply:
    """Return the vendor's error reply for a status."""
    match status:
        case HTTPStatus.BAD_REQUEST:
            return invalid("The request is invalid.")
        case HTTPStatus.UNAUTHORIZED:
            return unauthorized()
        case HTTPStatus.FORBIDDEN:
            return forbidden()
        case HTTPStatus.NOT_FOUND:
            return not_found()
        case HTTPStatus.TOO_MANY_REQUESTS:
            return throttled()
        case _:
            return Reply(status, {"message": HTTPStatus(status).phrase})
