"""The `parallax` engine: a photo taken apart into layers, and a camera moving through them."""
