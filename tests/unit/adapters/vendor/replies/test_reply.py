"""What identifies a reply at the vendor."""

from email_opens.adapters.vendor.replies.reply import Reply


def test_both_tracking_ids_of_a_reply_are_named() -> None:
    headers = {"x-eig-tracking-id": "eig-1", "x-amzn-RequestId": "aws-2"}
    assert Reply(500, headers, b"").traces() == (
        " (x-eig-tracking-id eig-1, x-amzn-RequestId aws-2)"
    )
