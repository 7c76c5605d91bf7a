"""The deployed product, and the AWS resources that commands use."""
