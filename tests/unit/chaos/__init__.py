"""The history checker, with a fault planted for each thing that it must see."""
