"""The data of the vendor: accounts, campaigns, and the rows of their reports."""
