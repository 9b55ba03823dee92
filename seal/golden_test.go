package seal_test

// Sealed on the day this package was first released, with key 1 for account 1.
const (
	goldenAccess = "igsealed1.AWHPci6luc0KmNWH_ks6recSVNOfVx2J5KQuLrNPcehTwYwkJjlLAWmX4LidBm0W-KlOPw-f"
	goldenPage   = "igsealed1.AWHPci47egvh6_9hYfIThK2VlMWC5TL2Z4UV_rRR6h5DpPtL6N3iwM_XPFNM1Q4sb2ERiw"
)
