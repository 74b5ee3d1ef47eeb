package synth

import (
	"math"
	"strconv"
	"time"
)

// assay is something measured: by a laboratory, or at a visit.
type assay struct {
	sct, name string
	local     string // the laboratory's own code
	unit      string // UCUM
	lo, hi    float64
	mean, sd  float64 // in health
	decimals  int
}

var (
	tSodium     = &assay{"1000661000000107", "Serum sodium level", "NA", "mmol/L", 133, 146, 140, 2, 0}
	tPotassium  = &assay{"1000651000000109", "Serum potassium level", "K", "mmol/L", 3.5, 5.3, 4.3, .3, 1}
	tUrea       = &assay{"1000951000000103", "Serum urea level", "UREA", "mmol/L", 2.5, 7.8, 5.2, 1, 1}
	tCreatinine = &assay{"1000731000000107", "Serum creatinine level", "CREA", "umol/L", 45, 104, 74, 9, 0}
	tEGFR       = &assay{"1011481000000105", "eGFR using creatinine (CKD-EPI)", "EGFR", "mL/min/{1.73_m2}", 60, 0, 90, 0, 0}
	tHb         = &assay{"1022431000000105", "Haemoglobin estimation", "HB", "g/L", 115, 165, 136, 9, 0}
	tWBC        = &assay{"1022541000000102", "Total white cell count", "WBC", "10*9/L", 4, 11, 6.8, 1.5, 1}
	tPlatelets  = &assay{"1022651000000100", "Platelet count", "PLT", "10*9/L", 150, 400, 255, 45, 0}
	tALT        = &assay{"1018251000000107", "Serum alanine aminotransferase level", "ALT", "U/L", 0, 50, 24, 8, 0}
	tAlbumin    = &assay{"1000821000000103", "Serum albumin level", "ALB", "g/L", 35, 50, 42, 3, 0}
	tBilirubin  = &assay{"997591000000109", "Serum total bilirubin level", "BILI", "umol/L", 0, 21, 9, 3, 0}
	tCRP        = &assay{"1001371000000100", "Serum CRP (C reactive protein) level", "CRP", "mg/L", 0, 5, 2, 1, 0}
	tChol       = &assay{"1005671000000105", "Serum cholesterol level", "CHOL", "mmol/L", 0, 5, 5.1, .9, 1}
	tHDL        = &assay{"1005681000000107", "Serum high density lipoprotein cholesterol level", "HDL", "mmol/L", 1, 0, 1.4, .3, 1}
	tHbA1c      = &assay{"999791000000106", "Haemoglobin A1c level - IFCC standardised", "HBA1C", "mmol/mol", 20, 41, 36, 3, 0}
	tTSH        = &assay{"1022791000000101", "Serum thyroid stimulating hormone level", "TSH", "m[IU]/L", .27, 4.2, 1.9, .8, 2}
	tACR        = &assay{"1023491000000104", "Urine albumin:creatinine ratio", "ACR", "mg/mmol", 0, 3, 1.1, .6, 1}
	tNTproBNP   = &assay{"", "NT-proBNP", "NTBNP", "ng/L", 0, 400, 90, 50, 0}
	tTroponin   = &assay{"", "High sensitivity troponin T", "HSTNT", "ng/L", 0, 14, 6, 3, 0}

	tSystolic  = &assay{"271649006", "Systolic blood pressure", "", "mm[Hg]", 0, 140, 124, 9, 0}
	tDiastolic = &assay{"271650006", "Diastolic blood pressure", "", "mm[Hg]", 0, 90, 76, 6, 0}
	tWeight    = &assay{"27113001", "Body weight", "", "kg", 0, 0, 72, 1.2, 1}
	tHeight    = &assay{"50373000", "Body height", "", "cm", 0, 0, 168, 0, 0}
	tBMI       = &assay{"60621009", "Body mass index", "", "kg/m2", 0, 0, 26, 0, 1}
	tPulse     = &assay{"364075005", "Heart rate", "", "/min", 51, 90, 74, 7, 0}
	tResp      = &assay{"86290005", "Respiratory rate", "", "/min", 12, 20, 16, 1.5, 0}
	tSats      = &assay{"431314004", "Peripheral oxygen saturation", "", "%", 96, 0, 97.6, .8, 0}
	tTemp      = &assay{"386725007", "Body temperature", "", "Cel", 36.1, 38, 36.7, .3, 1}
)

// panel is what a laboratory reports together.
type panel struct {
	code, name string
	tests      []*assay
}

var (
	pUE      = &panel{"UE", "Urea and electrolytes", []*assay{tSodium, tPotassium, tUrea, tCreatinine, tEGFR}}
	pFBC     = &panel{"FBC", "Full blood count", []*assay{tHb, tWBC, tPlatelets}}
	pLFT     = &panel{"LFT", "Liver function tests", []*assay{tALT, tAlbumin, tBilirubin}}
	pLipids  = &panel{"LIP", "Lipids", []*assay{tChol, tHDL}}
	pHbA1c   = &panel{"HBA1C", "Haemoglobin A1c", []*assay{tHbA1c}}
	pTFT     = &panel{"TFT", "Thyroid function", []*assay{tTSH}}
	pCRP     = &panel{"CRP", "C reactive protein", []*assay{tCRP}}
	pACR     = &panel{"ACR", "Urine albumin:creatinine ratio", []*assay{tACR}}
	pBNP     = &panel{"BNP", "NT-proBNP", []*assay{tNTproBNP}}
	pCardiac = &panel{"TROP", "Troponin", []*assay{tTroponin}}
)

// level is where somebody's values of one assay lie, and where they drift to.
type level struct {
	mean, yearly float64
	from         time.Time
}

// body is what is measured of one person over time.
type body struct {
	levels map[*assay]level
	height float64 // cm, grown up
	weight float64 // kg, grown up
}

func (s *story) newBody() {
	p := s.p
	s.body = body{levels: map[*assay]level{}, height: s.normal(163, 6.5), weight: s.normal(70, 12)}
	if !p.female() {
		s.body.height, s.body.weight = s.body.height+13, s.body.weight+12
	}
}

// set puts somebody's values of t around mean from a day on, drifting.
func (s *story) set(t *assay, mean, yearly float64, from time.Time) {
	s.body.levels[t] = level{mean, yearly, from}
}

// value draws a value of t on a day: the person's own level, or health's.
func (s *story) value(t *assay, at time.Time) float64 {
	mean := t.mean
	if l, ok := s.body.levels[t]; ok && !at.Before(l.from) {
		mean = l.mean + l.yearly*float64(at.Sub(l.from))/float64(year)
	} else if t == tCreatinine {
		age := float64(s.p.age(at))
		mean = 60 + age*.18
		if age < 16 {
			mean = 25 + age*2.2
		}
		if !s.p.female() && age >= 16 {
			mean += 16
		}
	} else if t == tSystolic {
		mean = 108 + math.Min(24, float64(s.p.age(at))*.33)
	} else if t == tHb && !s.p.female() && s.p.age(at) > 14 {
		mean += 12
	}
	v := s.normal(mean, t.sd*math.Max(.6, math.Min(2, mean/t.mean)))
	return math.Max(v, t.mean*.08)
}

// shown is v with the decimals of t.
func (t *assay) shown(v float64) string { return strconv.FormatFloat(v, 'f', t.decimals, 64) }

// flag is HL7's abnormal flag of v: "H", "L", or "" within the range.
func (t *assay) flag(v float64) string {
	if t.hi > 0 && v > t.hi {
		return "H"
	}
	if t.lo > 0 && v < t.lo {
		return "L"
	}
	return ""
}

// limits is the reference range as laboratories write it: "45-104", "<5", ">60".
func (t *assay) limits() string {
	num := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	switch {
	case t.hi > 0 && t.lo > 0:
		return num(t.lo) + "-" + num(t.hi)
	case t.hi > 0:
		return "<" + num(t.hi)
	case t.lo > 0:
		return ">" + num(t.lo)
	}
	return ""
}

// egfr is the estimated filtration rate of a creatinine in µmol/L, by the
// CKD-EPI equation of 2009 without its term for race, as NICE NG203 has it.
func egfr(creatinine float64, age int, female bool) float64 {
	k, a, f := 79.6, -.411, 1.0
	if female {
		k, a, f = 61.9, -.329, 1.018
	}
	x := creatinine / k
	return 141 * math.Pow(math.Min(x, 1), a) * math.Pow(math.Max(x, 1), -1.209) * math.Pow(.993, float64(age)) * f
}
