# Lets ChatSpot's rooms be found and joined. Nothing is switched on by this file: `sudo ufw allow ChatSpot`.
# mDNS is none of its business: ufw lets it in by itself (/etc/ufw/before.rules), to its own group only.
[ChatSpot]
title=ChatSpot
description=Chat for people in one place: rooms that are hosted here (TCP), and finding rooms nearby (UDP)
ports=4470:4489/tcp|4470/udp
