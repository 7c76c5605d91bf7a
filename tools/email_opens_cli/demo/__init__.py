"""The whole product on this machine."""
