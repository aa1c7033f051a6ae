# A dry run tells what would change, and changes nothing; contact points are the provider's own (contract 8, S3 2.5.4).
at Mon 2026-11-23 08:00
UNIFON sends NP_BEST for 90012345 from TELENOR at Tue 10:00 as A -> 201 awaiting_donor
the administrator asks what transferring UNIFON to LYSE would do: 1 case, 2 series
the case in A has recipient UNIFON
routing 93000001 is UNIFON
UNIFON sets the contact for portings to porting@unifon.example -> 200
