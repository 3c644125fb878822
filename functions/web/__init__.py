"""The pages for people. All but their routes is imported with the first page."""
