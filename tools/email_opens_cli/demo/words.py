"""What the demo says before it begins and after it has ended. Imports nothing that is slow."""

WHAT = (
    "This demo runs email-opens on this machine as it runs on AWS: the template is built and "
    "deployed to an embedded AWS, and its function polls an emulated Constant Contact. It needs no "
    "account and no keys."
)
STORY = (
    "You will see the opens of two e-mails arrive, and what happens when the function is killed, "
    "when two opens are identical, and when one is reported late. The deployment takes about half "
    "a minute, the rest about a minute. Ctrl-C ends the demo and removes all that it started."
)
INTERRUPTED = "Interrupted. Everything that the demo started has ended."
COMPLETE = (
    "Every open was received exactly once, although the function was killed, two opens were "
    "identical, and one was reported late."
)
REPEATED = "Some opens were received more than once."
TIME_IS_UP = (
    "The demo's time ran out while rows were still under way. "
    "Run `email-opens demo` again when the machine is less busy."
)


def next_steps(program: str, *, in_clone: bool) -> tuple[tuple[str, str], ...]:
    """Return what a person may do next: what to type or read, and what it is about.

    The `program` is how the command line is started; only a clone has the pages.
    """
    watch = (f"{program} watch", "follow the opens of your own e-mails, without AWS")
    if not in_clone:
        return (watch, (f"{program} --help", "list all commands"))
    return (
        watch,
        ("make deploy", "deploy email-opens to your AWS account"),
        ("README.md", "what it is, and how to subscribe"),
        ("docs/guarantees.md", "what is guaranteed, and what can cause a repeat"),
    )
