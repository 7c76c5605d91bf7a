"""The replies of the vendor's API, by path."""
