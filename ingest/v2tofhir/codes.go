package v2tofhir

import (
	"strings"

	"selda/ingest/mapped"
	"selda/nhs"
)

// Code systems of FHIR, of HL7's terminology and of the NHS.
const (
	hl7 = "http://terminology.hl7.org/CodeSystem/"

	systemConfidentiality = hl7 + "v3-Confidentiality"
	systemActCode         = hl7 + "v3-ActCode"
	systemMarital         = hl7 + "v3-MaritalStatus"
	systemParticipation   = hl7 + "v3-ParticipationType"
	systemInterpretation  = hl7 + "v3-ObservationInterpretation"
	systemAbsent          = hl7 + "data-absent-reason"
	systemSnomed          = "http://snomed.info/sct"
	systemUCUM            = "http://unitsofmeasure.org"
	systemEthnic          = "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland"
	systemVerification    = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"

	extensionEthnic       = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory"
	extensionVerification = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
	core                  = "http://hl7.org/fhir/StructureDefinition/"
)

// codeSystems are the URIs of coding systems by their name in HL7 table 0396
// and by what British senders call them.
var codeSystems = map[string]string{
	"SCT": systemSnomed, "SNM": systemSnomed, "SNM3": systemSnomed, "SNOMED": systemSnomed, "SNOMEDCT": systemSnomed,
	"SNOMED-CT": systemSnomed, "SNOMED CT": systemSnomed, "SNOMED CT-GB": systemSnomed, "SCTUK": systemSnomed,
	"ISO639-1": "urn:ietf:bcp:47", "ISO639": "urn:ietf:bcp:47", // languages: the standard names them by their tags
	"LN": "http://loinc.org", "LOINC": "http://loinc.org",
	"I10": icd10, "ICD10": icd10, "ICD-10": icd10, "I10P": icd10, "ICD": icd10, "I9": icd9, "I9C": icd9, "I9CM": icd9, "ICD9": icd9,
	"OPCS4": opcs4, "OPCS-4": opcs4, "OPCS": opcs4, "O4": opcs4,
	"READ2": read2, "READ V2": read2, "RCV2": read2, "READ": read2, "RC2": read2,
	"CTV3": ctv3, "READ3": ctv3, "READ V3": ctv3, "RCV3": ctv3, "RC": ctv3,
	"DM+D": dmd, "DMD": dmd, "DM&D": dmd,
	"UCUM": systemUCUM, "CVX": "http://hl7.org/fhir/sid/cvx", "NDC": "http://hl7.org/fhir/sid/ndc", "MVX": "http://hl7.org/fhir/sid/mvx",
	"RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm", "ATC": "http://www.whocc.no/atc", "C4": "http://www.ama-assn.org/go/cpt",
	"CPT": "http://www.ama-assn.org/go/cpt", "CDCREC": "urn:oid:2.16.840.1.113883.6.238", "DCM": "http://dicom.nema.org/resources/ontology/DCM",
	"ISO3166_1": "urn:iso:std:iso:3166",
}

const (
	icd10 = "http://hl7.org/fhir/sid/icd-10"
	icd9  = "http://hl7.org/fhir/sid/icd-9-cm"
	opcs4 = "https://fhir.hl7.org.uk/CodeSystem/OPCS-4"
	read2 = "http://read.info/readv2"
	ctv3  = "http://read.info/ctv3"
	dmd   = "https://dmd.nhs.uk"
)

// codeSystem is the URI of a coding system as a sender names it: a known one,
// an HL7 table, or one of the source's own. "" of a code with no system named.
func (w *mapper) codeSystem(name string) string {
	if name == "" {
		return ""
	}
	if s, ok := codeSystems[name]; ok {
		return s
	}
	upper := strings.ToUpper(name)
	if s, ok := codeSystems[upper]; ok {
		return s
	}
	if n, ok := strings.CutPrefix(upper, "HL7"); ok && len(n) == 4 && n[0] == '0' {
		return hl7 + "v2-" + n
	}
	if name != w.ownName { // the next code is mostly of the same system
		w.ownName, w.ownSystem = name, mapped.LocalSystem(w.source, slug(name))
		if upper == "L" || upper == "99" || upper == "LOCAL" {
			w.ownSystem = mapped.LocalSystem(w.source, "codes")
		}
	}
	return w.ownSystem
}

// slug makes a name fit to stand in a URI.
func slug(s string) string {
	ok := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
	}
	for i := range len(s) {
		if !ok(s[i]) {
			b := []byte(s)
			for j := range b {
				if !ok(b[j]) {
					b[j] = '-'
				}
			}
			return strings.Trim(string(b), "-")
		}
	}
	return s
}

// genders are HL7 table 0001 and the NHS Data Dictionary's PERSON GENDER CODE.
var genders = map[string]string{"M": "male", "F": "female", "O": "other", "A": "other", "N": "other", "U": "unknown",
	"1": "male", "2": "female", "9": "other", "0": "unknown", "MALE": "male", "FEMALE": "female", "X": "unknown"}

var nameUses = map[string]string{"L": "official", "CURRENT": "official", "C": "official", "D": "usual", "B": "usual", "A": "nickname",
	"N": "nickname", "NICKNAME": "nickname", "ALIAS": "nickname", "M": "maiden", "MAIDEN": "maiden", "T": "temp", "TEMP": "temp",
	"S": "anonymous", "P": "official", "PREVIOUS": "old", "OLD": "old", "BAD": "old", "PREFERRED": "usual", "USUAL": "usual"}

var addressUses = map[string]string{"H": "home", "HOME": "home", "P": "home", "L": "home", "B": "work", "O": "work", "WORK": "work",
	"C": "temp", "TMP": "temp", "TEMP": "temp", "BA": "old", "BAD": "old", "OLD": "old", "PREVIOUS": "old", "BI": "billing"}

var telecomUses = map[string]string{"PRN": "home", "HOME": "home", "H": "home", "ORN": "home", "WPN": "work", "WORK": "work",
	"BPN": "work", "VHN": "temp", "EMR": "temp", "PRS": "mobile", "MOBILE": "mobile", "CELL": "mobile"}

var telecomSystems = map[string]string{"PH": "phone", "CP": "phone", "SAT": "phone", "MD": "other", "FX": "fax", "BP": "pager",
	"TDD": "other", "TTY": "other", "INTERNET": "email", "X.400": "email", "NET": "email", "EMAIL": "email"}

// kin and contacts are the codes of HL7's tables 0063 and 0131.
const (
	kin      = " ASC BRO CGV CHD DEP DOM EMC EME EMR EXF FCH FND FTH GCH GRD GRP MGR MTH NCH NON OAD OTH OWN PAR SCH SEL SIB SIS SPO TRA UNK WRD "
	contacts = " BP C CP E EP F I N O PR S U "
)

// classes are PV1-2 as v3-ActCode.
var classes = map[string][2]string{"I": {"IMP", "inpatient encounter"}, "INPATIENT": {"IMP", "inpatient encounter"},
	"O": {"AMB", "ambulatory"}, "OUTPATIENT": {"AMB", "ambulatory"}, "E": {"EMER", "emergency"}, "EMERGENCY": {"EMER", "emergency"},
	"P": {"PRENC", "pre-admission"}, "PREADMIT": {"PRENC", "pre-admission"}, "R": {"AMB", "ambulatory"}, "B": {"IMP", "inpatient encounter"},
	"D": {"SS", "short stay"}, "DAYCASE": {"SS", "short stay"}, "V": {"VR", "virtual"}, "VIRTUAL": {"VR", "virtual"}, "HH": {"HH", "home health"},
	"VR": {"VR", "virtual"}, "FLD": {"FLD", "field"}, "IMP": {"IMP", "inpatient encounter"}, "AMB": {"AMB", "ambulatory"}, "EMER": {"EMER", "emergency"}}

// marital are the codes that PID-16 shares with v3-MaritalStatus.
var marital = map[string]bool{"A": true, "D": true, "I": true, "L": true, "M": true, "P": true, "S": true, "T": true, "U": true, "W": true}

// ethnic are the NHS Data Dictionary's ETHNIC CATEGORY codes.
var ethnic = map[string]string{"A": "White - British", "B": "White - Irish", "C": "White - Any other White background",
	"D": "Mixed - White and Black Caribbean", "E": "Mixed - White and Black African", "F": "Mixed - White and Asian",
	"G": "Mixed - Any other mixed background", "H": "Asian or Asian British - Indian", "J": "Asian or Asian British - Pakistani",
	"K": "Asian or Asian British - Bangladeshi", "L": "Asian or Asian British - Any other Asian background",
	"M": "Black or Black British - Caribbean", "N": "Black or Black British - African",
	"P": "Black or Black British - Any other Black background", "R": "Other Ethnic Groups - Chinese",
	"S": "Other Ethnic Groups - Any other ethnic group", "Z": "Not stated", "99": "Not known"}

// verification are the NHS NUMBER STATUS INDICATOR codes.
var verification = map[string]string{"01": "Number present and verified", "02": "Number present but not traced", "03": "Trace required",
	"04": "Trace attempted - No match or multiple match found", "05": "Trace needs to be resolved - (NHS Number or patient detail conflict)",
	"06": "Trace in progress", "07": "Number not present and trace not required", "08": "Trace postponed (baby under six weeks old)"}

// verificationCode is the status indicator in PID-32, "" where it is none:
// "01", "1", "NSTS01", "Number present and verified".
func verificationCode(s string) string {
	s = strings.TrimPrefix(strings.ToUpper(s), "NSTS")
	if len(s) == 1 {
		s = "0" + s
	}
	if verification[s] != "" {
		return s
	}
	for code, words := range verification {
		if strings.ReplaceAll(strings.ToUpper(words), " ", "-") == strings.ReplaceAll(s, " ", "-") {
			return code
		}
	}
	return ""
}

// isNHS says whether an assigning authority or identifier type means the NHS number.
func isNHS(authority, oid, typ string) bool {
	switch strings.ToUpper(authority) {
	case "NHS", "NHSNBR", "NHSNMBR", "NHSNO", "NHSNUMBER", "NHS NUMBER", "NHS-NUMBER", "NHS_NUMBER", "NHSN", "NSTS", "PDS", "SPINE":
		return true
	}
	for _, id := range []string{oid, authority} { // some write the universal id as the namespace
		if id == "2.16.840.1.113883.2.1.4.1" || id == nhs.NumberSystem {
			return true
		}
	}
	switch strings.ToUpper(typ) {
	case "NHS", "NHSNBR", "NHSNMBR", "NHSNO", "NHSN":
		return true
	case "NH", "NI":
		return authority == "" && oid == "" || strings.HasPrefix(strings.ToUpper(authority), "NHS")
	}
	return false
}

// professional is the identifier system of a clinician's number, by the
// authority or type that the sender names and the number's own form.
func (w *mapper) professional(id, authority, typ string) string {
	for _, a := range []string{strings.ToUpper(authority), strings.ToUpper(typ)} {
		switch a {
		case "GMC":
			if len(id) == 8 && id[0] == 'G' { // a GP's national code, which some senders put under GMC
				return "https://fhir.hl7.org.uk/Id/gmp-number"
			}
			return "https://fhir.hl7.org.uk/Id/gmc-number"
		case "GMP":
			return "https://fhir.hl7.org.uk/Id/gmp-number"
		case "NMC", "UKCC":
			return "https://fhir.hl7.org.uk/Id/nmc-number"
		case "HCPC", "HPC":
			return "https://fhir.hl7.org.uk/Id/hcpc-number"
		case "GPHC":
			return "https://fhir.hl7.org.uk/Id/gphc-number"
		case "GDC":
			return "https://fhir.hl7.org.uk/Id/gdc-number"
		case "SDS", "SDSID", "SPINE", "NHSSDS":
			return "https://fhir.nhs.uk/Id/sds-user-id"
		}
	}
	if authority == "" {
		authority = "staff"
	}
	return mapped.LocalSystem(w.source, slug(authority))
}

// interpretations are the codes of HL7 table 0078 that v3 has too, with words.
var interpretations = map[string]string{"L": "Low", "H": "High", "LL": "Critical low", "HH": "Critical high", "<": "Off scale low",
	">": "Off scale high", "N": "Normal", "A": "Abnormal", "AA": "Critical abnormal", "U": "Significant change up",
	"D": "Significant change down", "B": "Better", "W": "Worse", "S": "Susceptible", "R": "Resistant", "I": "Intermediate",
	"MS": "Moderately susceptible", "VS": "Very susceptible", "POS": "Positive", "NEG": "Negative", "IND": "Indeterminate",
	"DET": "Detected", "ND": "Not detected", "NR": "Non-reactive", "RR": "Reactive", "WR": "Weakly reactive", "E": "Equivocal",
	"HX": "above high threshold", "LX": "below low threshold", "SDD": "Susceptible-dose dependent", "NS": "Non-susceptible"}

// observationStatus is OBX-11, HL7 table 0085.
var observationStatus = map[string]string{"C": "corrected", "D": "entered-in-error", "F": "final", "I": "registered", "N": "cancelled",
	"O": "registered", "P": "preliminary", "R": "preliminary", "S": "preliminary", "U": "final", "V": "final", "B": "final",
	"W": "entered-in-error", "X": "cancelled", "A": "amended"}

// reportStatus is OBR-25, HL7 table 0123; AU is what British senders write of
// an authenticated document.
var reportStatus = map[string]string{"O": "registered", "I": "registered", "S": "registered", "A": "partial", "P": "preliminary",
	"C": "corrected", "R": "preliminary", "F": "final", "X": "cancelled", "Y": "unknown", "Z": "unknown", "M": "amended", "N": "registered", "AU": "final"}

// priorities are those of orders, referrals and TQ1-9.
var priorities = map[string]string{"S": "stat", "STAT": "stat", "A": "asap", "ASAP": "asap", "R": "routine", "ROUTINE": "routine", "T": "urgent",
	"U": "urgent", "URGENT": "urgent", "E": "urgent", "C": "urgent", "P": "routine", "2WW": "urgent", "1": "stat", "2": "asap", "3": "routine"}

// noAllergy are SNOMED CT concepts that say that none is known, and the local
// codes and words that mean them, in capitals without blanks or punctuation.
var noAllergy = map[string][2]string{
	"716186003": {"716186003", "No known allergy"}, "409137002": {"409137002", "No known drug allergy"},
	"429625007": {"429625007", "No known food allergy"}, "428607008": {"428607008", "No known environmental allergy"},
	"428197003": {"428197003", "No known insect allergy"}, "1003774007": {"1003774007", "No known Hevea brasiliensis latex allergy"},
	"160244002": {"716186003", "No known allergy"},
	"NKA":       {"716186003", "No known allergy"}, "NOKNOWNALLERGY": {"716186003", "No known allergy"}, "NOKNOWNALLERGIES": {"716186003", "No known allergy"},
	"NILKNOWN": {"716186003", "No known allergy"}, "NONEKNOWN": {"716186003", "No known allergy"}, "NKDA": {"409137002", "No known drug allergy"},
	"NOKNOWNDRUGALLERGY": {"409137002", "No known drug allergy"}, "NOKNOWNDRUGALLERGIES": {"409137002", "No known drug allergy"},
	"NOKNOWNFOODALLERGY": {"429625007", "No known food allergy"}, "NOKNOWNFOODALLERGIES": {"429625007", "No known food allergy"},
}
