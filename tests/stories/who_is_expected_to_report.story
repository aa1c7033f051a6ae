# Active terminating providers, AT and the range holders report, each once, less MT (contract 3, expected).
at Mon 2026-11-23 08:00
CHILI sends NP_BEST for 46000001 from CHILI at 10:00 -> 409 recipient-is-donor
TELIA sends NP_BEST for 46000001, 90012345 from CHILI at 10:00 -> 409 donor-not-holder numbers 90012345
TELIA sends NP_BEST for 46000001 from CHILI at 10:00 as A -> 201 awaiting_donor
CHILI sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
# CHILI terminates nothing, and reports as the donor and range holder.
the case expects BANENOR, CHILI, COM4, DSB, GLOBCON, IRISTEL, LYSE, NEXTGEN, TELENOR, TLINX, UNIFON
at Mon 10:00
CHILI sends NP_FERD -> 201 awaiting_completion
CHILI sends NP_FERD -> 409 already-sent sender CHILI
# The number goes on before all have reported: the first case goes on collecting, and blocks nothing.
LYSE sends NP_BEST for 46000001 from TELIA at Tue 10:00 as B -> 201 awaiting_donor
TELIA sends NP_GODK in B -> 201 awaiting_recipient
LYSE sends NP_IVER in B -> 201 scheduled
the case in B has range_holder CHILI, donor TELIA
the case in B expects BANENOR, CHILI, COM4, DSB, GLOBCON, IRISTEL, NEXTGEN, TELENOR, TELIA, TLINX, UNIFON
LYSE sends NP_FERD in B -> 409 role-not-permitted
at Wed 12:00
everybody else sends NP_FERD in A -> 201 completed
everybody else sends NP_FERD in B -> 201 completed
TELIA's inbox: NP_GODK, NP_FERD, NP_BEST, NP_IVER, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NOTICE completed, NOTICE completed
