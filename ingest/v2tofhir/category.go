package v2tofhir

import (
	"strings"

	"selda/fhir"
	"selda/hl7v2"
)

// Readers tell laboratory results from what was seen at the bedside by
// Observation.category. HL7 v2 says it in the section that made the report
// (OBR-24, HL7 table 0074), or not at all: then the codes say it.
// https://hl7.org/fhir/R4/valueset-observation-category.html

var categoryNames = map[string]string{"laboratory": "Laboratory", "imaging": "Imaging", "procedure": "Procedure", "vital-signs": "Vital Signs"}

// sections are those of table 0074 that are not a laboratory.
var sections = map[string]string{"RAD": "imaging", "RX": "imaging", "CT": "imaging", "NMR": "imaging", "MRI": "imaging", "RUS": "imaging", "OUS": "imaging",
	"VUS": "imaging", "CUS": "imaging", "XRC": "imaging", "NMS": "imaging", "US": "imaging", "MG": "imaging", "PET": "imaging", "IMG": "imaging",
	"EC": "procedure", "EN": "procedure", "PF": "procedure", "CTH": "procedure", "ICU": "vital-signs", "NRS": "vital-signs"}

// vitals are the codes of vital signs in LOINC and SNOMED CT.
var vitals = map[string]bool{
	"8867-4": true, "9279-1": true, "8310-5": true, "85354-9": true, "8480-6": true, "8462-4": true, "2708-6": true, "59408-5": true, "29463-7": true,
	"8302-2": true, "39156-5": true, "9843-4": true, "85353-1": true,
	"75367002": true, "271649006": true, "271650006": true, "364075005": true, "78564009": true, "86290005": true, "386725007": true, "276885007": true,
	"431314004": true, "103228002": true, "27113001": true, "50373000": true, "60621009": true, "1104051000000101": true,
	"163020007": true, "248333004": true, "1153637007": true,
}

// vital says whether an OBX is a vital sign: by its code, or by the names of
// ISO/IEEE 11073, which monitors use.
func vital(obx hl7v2.Segment) bool {
	code := obx.Field(3).Rep(1)
	return vitals[token(code.Comp(1).Text())] || vitals[token(code.Comp(4).Text())] || strings.HasPrefix(code.Comp(1).Text(), "MDC_") ||
		strings.HasPrefix(code.Comp(2).Text(), "MDC_") || token(code.Comp(3).Text()) == "MDC"
}

// reportCategory is the category of all the results of one OBR.
func (w *mapper) reportCategory(obr hl7v2.Segment) string {
	category, known := sections[strings.ToUpper(token(obr.Comp(24, 1).Text()))]
	if known {
		return category
	}
	for i := obr.Index() + 1; i < w.m.Len(); i++ {
		switch s := w.m.Segment(i); s.Name() {
		case "OBX":
			if vital(s) {
				return "vital-signs"
			}
		case "OBR", "ORC", "PID":
			return "laboratory"
		}
	}
	return "laboratory"
}

// categories are Observation.category, one object for each: they are never changed.
var categories = func() map[string][]fhir.Object {
	m := map[string][]fhir.Object{}
	for code, name := range categoryNames {
		m[code] = []fhir.Object{fhir.Concept("", fhir.Coding(hl7+"observation-category", code, name))}
	}
	return m
}()
