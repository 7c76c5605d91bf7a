"""The vendor in process and over HTTP, with faults and the control endpoint."""
