"""Makes the captures that Weir ships: Python's standard library only, same bytes every time."""
