"""The stack moves to another region or AWS account with copies of its tables."""

from copy import replace

from tests.e2e.recovery.drill import Drill, Place, without_doctor
from tests.e2e.recovery.shell import section

OTHER_REGION = "eu-central-1"
OTHER_ACCOUNT = "111111111111"
"""The emulated AWS takes twelve digits as the account of an access key."""


def write_profiles(drill: Drill) -> None:
    """Write the profiles that the page names; the first is also the default."""
    access = drill.place.environment
    keys = f"aws_access_key_id = %s\naws_secret_access_key = {access['AWS_SECRET_ACCESS_KEY']}\n"
    profiles = {"default": None, "old": None, "new": OTHER_ACCOUNT}
    (drill.shell.folder / "credentials").write_text(
        "".join(
            f"[{name}]\n{keys % (account or access['AWS_ACCESS_KEY_ID'])}"
            for name, account in profiles.items()
        )
    )
    # With keys in the environment, AWS_PROFILE would be ignored.
    drill.shell.paste(
        "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY\n"
        'export AWS_SHARED_CREDENTIALS_FILE="$PWD/credentials"'
    )


def moved(drill: Drill, **environment: str) -> Drill:
    """Return the drill at another place; its subscriber receives there from now on."""
    place = Place({**drill.place.environment, **environment})
    return replace(drill, place=place, queue_url=place.subscribe())


def test_a_second_region_goes_on_and_repeats_what_was_published_after_the_last_copy(
    drill: Drill,
) -> None:
    deploy, copy, go_on = section("A region is unavailable")
    drill.shell.paste(deploy, *section("Copy the items of a table"))
    drill.turn_publishes(drill.open())
    drill.shell.paste(copy)
    later = drill.open()
    drill.turn_publishes(later)
    meanwhile = drill.open()
    second = moved(drill, AWS_REGION=OTHER_REGION, AWS_DEFAULT_REGION=OTHER_REGION)
    drill.shell.paste(without_doctor(go_on), typed=drill.credentials())
    second.turn_publishes(later | meanwhile)
    second.turn_publishes(second.open())
    assert second.repeated == later


def test_another_aws_account_goes_on_and_no_open_is_lost_or_repeated(drill: Drill) -> None:
    redrive, deploy, copy, go_on = section("Move to another AWS account")
    write_profiles(drill)
    drill.turn_publishes(drill.open())
    drill.shell.paste(redrive)
    drill.stop()
    meanwhile = drill.open()
    drill.shell.paste(deploy, *section("Copy the items of a table"), copy)
    second = moved(drill, AWS_ACCESS_KEY_ID=OTHER_ACCOUNT)
    drill.shell.paste(without_doctor(go_on), typed=drill.credentials())
    second.turn_publishes(meanwhile | second.open())
    assert second.repeated == set()
