"""What a month costs, from counted calls and one table of list prices: `make cost`."""
