"""Charts and the report, drawn from result files alone."""
