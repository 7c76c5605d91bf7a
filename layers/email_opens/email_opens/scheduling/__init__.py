"""What a request is worth: which activity to poll, how deep, and when. Pure."""
