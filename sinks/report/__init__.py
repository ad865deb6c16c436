"""A day or a week of one hotline as a page to print: figures from the views, plots, what its alerts were about."""
