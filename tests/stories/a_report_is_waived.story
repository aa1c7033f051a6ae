# The administrator no longer waits for a code; the last one ends the case (contract 8, waive).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
the administrator waives LYSE in A -> 409 case-state state awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
the administrator waives BANENOR in A -> 200 scheduled
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 as B -> 201 scheduled
the administrator waives BANENOR in B -> 200 scheduled
at Mon 10:00
the administrator waives CHILI in A -> 422 invalid-message
the administrator waives COM4 in A -> 200 awaiting_completion
the administrator waives COM4 in A -> 422 invalid-message
the case in A waits for DSB, GLOBCON, IRISTEL, LYSE, NEXTGEN, TELENOR, TLINX, UNIFON
the case in A has waived BANENOR, COM4
the administrator waives DSB in A -> 200 awaiting_completion
the administrator waives GLOBCON in A -> 200 awaiting_completion
the administrator waives IRISTEL in A -> 200 awaiting_completion
the administrator waives LYSE in A -> 200 awaiting_completion
the administrator waives NEXTGEN in A -> 200 awaiting_completion
TELENOR sends NP_FERD in A -> 201 awaiting_completion
TLINX sends NP_FERD in A -> 201 awaiting_completion
TELENOR's inbox: NP_BEST, NP_IVER, 5_IVER
the administrator waives UNIFON in A -> 200 completed
TELENOR's inbox: NOTICE completed
UNIFON sends NP_FERD in A -> 409 role-not-permitted
the administrator waives UNIFON in A -> 409 case-state state completed
# A five-digit case in the same way.
the administrator waives COM4 in B -> 200 awaiting_completion
the administrator waives DSB in B -> 200 awaiting_completion
LYSE sends 5_FERD in B -> 201 awaiting_completion
the administrator waives GLOBCON in B -> 200 awaiting_completion
the administrator waives IRISTEL in B -> 200 awaiting_completion
the administrator waives NEXTGEN in B -> 200 awaiting_completion
the administrator waives TELENOR in B -> 200 awaiting_completion
the administrator waives TLINX in B -> 200 awaiting_completion
the administrator waives UNIFON in B -> 200 completed
