"""Pasts of a few weeks, and what happens on the days behind them.

What judges by a host's own past says nothing of a capture of minutes. Each past is as small as it can be; each scene
is a day or some more, and is judged beside its past; its twin does what looks alike and is every day's.
"""

from . import past_agency, past_everyday, past_meters, past_stations

PASTS = {"everyday": past_everyday.everyday, "store": past_everyday.store, "agency": past_agency.agency,
         "meters": past_meters.meters, "stations": past_stations.stations}
CONFIG = {"meters": "past.meters.yaml"} # what a past is replayed with; the others: past.yaml
SCENES = {**past_everyday.SCENES, **past_agency.SCENES, **past_meters.SCENES, **past_stations.SCENES}
