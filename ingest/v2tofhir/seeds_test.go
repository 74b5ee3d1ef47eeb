package v2tofhir

// seeds are one short message of each family, for the fuzz test.
var seeds = []string{
	"MSH|^~\\&|PAS|RJZ|||2026||ADT^A40|1|P|2.3\rPID|1||A1^^^RJZ||X^Y\rMRG|B2^^^RJZ~C3^^^RJZ",
	"MSH|^~\\&|PAS|RJZ|||2026||MDM^T10|1|P|2.5\rPID|1||A1\rTXA|1|DS|TX|20260315||||||||D2|D1001||||AU|R|AV\rOBX|1|TX|||one~two||||||F\rOBX|2|ED|||^application^pdf^Base64^JVBERi0xLjQ=||||||F",
	"MSH|^~\\&|PAS|RJZ|||2026||SIU^S12|1|P|2.4\rSCH|P1001|F1001|||||CHECK^Check-up|ROUTINE|30|min|^^^202604011000^202604011030\rPID|1||A1\rAIS|1||DERM^Dermatology\rAIP|1||C1^Who^Dr\rAIL|1||OPD^Room 3",
	"MSH|^~\\&|GP|G85001|||2026||REF^I12|1|P|2.4\rRF1|P|R||||REF1001|20260315||20260315|PAIN^Pain\rPRD|RP|Town^Greg|||||C1^GMC\rPRD|RT|||^^^RJZ|||RJZ\rPID|1||A1\rDG1|1||K35^Appendicitis^I10\rOBR|1||F1001|X^Y\rOBX|1|SN|A^B||>^5^-^10|mg\rNTE|1||note",
	"MSH|^~\\&|CPOE|RJZ|||2026||ORM^O01|1|P|2.3\rPID|1||A1\rORC|CA|P1001||G1||||||||||\rOBR|1|P1001||CXR^Chest\rTQ1|1||||||20260316||S",
	"MSH|^~\\&|RX|RJZ|||2026||RDE^O11|1|P|2.5\rPID|1||A1\rORC|NW|P1001\rRXE||322236009^Paracetamol^SCT|500|1000|mg||^Four times a day\rRXR|PO^Oral",
	"MSH|^~\\&|IMM|RJZ|||2026||VXU^V04|1|P|2.5.1\rPID|1||A1\rORC|RE||F1001\rRXA|0|1|20260101||88^flu^CVX|0.5|mL||00|||||||L1|20270101|PMC^Maker^MVX|||CP|A\rRXR|IM\rOBX|1|CE|A||B",
	"MSH|^~\\&|GP|RJZ|||2026||PPR^PC1|1|P|2.4\rPID|1||A1\rPRB|AD|2026|E11^Diabetes^I10|P1001\rPR1|1||H01^Appendicectomy^OPCS4||2025\rIAM|1|DA|NKDA||||I1\rNTE|1||x",
	"MSH|^~\\&|LAB|RJZ|||2026||ORU^R01|1|P|2.3\rPID|1||A1\rOBR|1||F1001|H^Histology\rOBX|1|FT|H||line\\.br\\two\rOBX|2|FT|H||three\rOBX|3||L^Letter||^^pdf^base64^JVBERi0xLjQKJcOkw7zDtsOf\rOBX|4|CE|^\"quoted\" \\E\\||E^E. coli~K^Klebsiella\rSPM|1|||U^Urine\rNTE|1||c",
}
