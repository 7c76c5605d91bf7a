"""The alert's queue and its webhook's URL, on AWS."""
