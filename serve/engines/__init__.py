"""What a video generation replica can run. Engines know pixels and networks, neither Ray nor the database."""
