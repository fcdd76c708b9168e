"""The chassis that a use case rides on. The template maintains it; updates may change any file in it."""
