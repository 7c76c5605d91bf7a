"""The alert's queue, its table of posts, and its webhook's URL, on AWS."""
