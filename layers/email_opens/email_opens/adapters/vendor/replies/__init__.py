"""What a reply of the vendor means: its bytes decoded, value by value. Pure."""
