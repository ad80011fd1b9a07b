"""projectweb.pcapng: three weeks at the uplink of a site, and one night."""
