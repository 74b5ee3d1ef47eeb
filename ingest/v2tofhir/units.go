package v2tofhir

import "strings"

// ucumCode is the UCUM code of a unit as laboratories and monitors write it: UCUM
// itself, its capitals-only form of the EDIFACT years, the IEEE 11073 names, or
// a common spelling. "" where the text is none that is known: a unit is never
// guessed.
func ucumCode(unit string) string {
	if u, ok := units[unit]; ok {
		return u
	}
	return folded[strings.ToLower(strings.ReplaceAll(unit, " ", ""))]
}

// own are the UCUM codes that stand for themselves.
const own = `% g/L g/dL mg/L mg/dL ug/L ug/dL ug/mL ng/L ng/mL ng/dL pg/mL pg/L pg fL L L/L mL dL uL mmol/L umol/L nmol/L pmol/L fmol/L
mmol/mol umol/mol mg/mmol mg/g ug/g ug/mg mmol mol/L mmol/kg mosm/kg mosm/L U/L kU/L mU/L U/mL [IU]/L [IU]/mL k[IU]/L m[IU]/L u[IU]/mL
g mg ug ng kg cm mm m um kg/m2 mm/h mL/min mL/h mL/min/{1.73_m2} L/min /min /h s min h d wk mo a Cel mm[Hg] kPa 10*9/L 10*12/L 10*6/L 10*3/uL
10*6/uL 10*6/mL /uL /L mg/(24.h) mmol/(24.h) g/(24.h) mL/(24.h) meq/L cm[H2O] deg mS/cm kcal kJ bar {INR} {score}`

// units are exact spellings.
var units = func() map[string]string {
	m := map[string]string{
		"MDC_DIM_PERCENT": "%", "MDC_DIM_MMHG": "mm[Hg]", "MDC_DIM_X_L_PER_MIN": "L/min", "MDC_DIM_DEGC": "Cel",
		"MDC_DIM_BEAT_PER_MIN": "/min", "MDC_DIM_RESP_PER_MIN": "/min", "MDC_DIM_KILO_G": "kg", "MDC_DIM_CENTI_M": "cm",
		"MDC_DIM_MILLI_MOLE_PER_L": "mmol/L", "MDC_DIM_KILO_PASCAL": "kPa",
		"C": "Cel", "°C": "Cel", "ºC": "Cel", "µmol/L": "umol/L", "μmol/L": "umol/L", "µg/L": "ug/L", "μg/L": "ug/L",
		"giga.l-1": "10*9/L", "tera.l-1": "10*12/L",
	}
	for u := range strings.FieldsSeq(own) {
		m[u] = u
	}
	return m
}()

// folded are spellings in which case means nothing, in small letters.
var folded = map[string]string{
	"mmol/l": "mmol/L", "mmoll": "mmol/L", "umol/l": "umol/L", "umoll": "umol/L", "nmol/l": "nmol/L", "nmoll": "nmol/L", "pmol/l": "pmol/L", "pmoll": "pmol/L",
	"µmol/l": "umol/L", "μmol/l": "umol/L", "mmol/mol": "mmol/mol", "g/l": "g/L", "mg/l": "mg/L", "mg/dl": "mg/dL", "g/dl": "g/dL", "gm/dl": "g/dL",
	"ug/l": "ug/L", "mcg/l": "ug/L", "ng/ml": "ng/mL", "ng/l": "ng/L", "pg/ml": "pg/mL", "ug/ml": "ug/mL", "ug/dl": "ug/dL",
	"u/l": "U/L", "iu/l": "[IU]/L", "ku/l": "kU/L", "iu/ml": "[IU]/mL", "miu/l": "m[IU]/L", "mu/l": "mU/L",
	"ml/min": "mL/min", "mlmin": "mL/min", "ml/min/1.73m2": "mL/min/{1.73_m2}", "ml/min/1.73m^2": "mL/min/{1.73_m2}", "ml/min/1.73sqm": "mL/min/{1.73_m2}",
	"percent": "%", "fl": "fL", "mmhg": "mm[Hg]", "mm(hg)": "mm[Hg]", "mm[hg]": "mm[Hg]", "bpm": "/min", "beats/min": "/min", "beatspermin": "/min",
	"breaths/min": "/min", "/min": "/min", "degc": "Cel", "celsius": "Cel", "cel": "Cel", "l/min": "L/min", "kg": "kg", "cm": "cm", "kg/m2": "kg/m2", "kg/m^2": "kg/m2",
	"mm/h": "mm/h", "mm/hr": "mm/h", "x10*9/l": "10*9/L", "x10^9/l": "10*9/L", "10^9/l": "10*9/L", "10*9/l": "10*9/L", "x10e9/l": "10*9/L", "10e9/l": "10*9/L", "x109/l": "10*9/L",
	"x10*12/l": "10*12/L", "x10^12/l": "10*12/L", "10^12/l": "10*12/L", "10*12/l": "10*12/L", "x10e12/l": "10*12/L", "10e12/l": "10*12/L", "x1012/l": "10*12/L",
	"l/l": "L/L", "mcg": "ug", "kpa": "kPa", "secs": "s", "sec": "s", "seconds": "s", "years": "a", "days": "d", "hours": "h", "meq/l": "meq/L", "mosm/kg": "mosm/kg", "mosmol/kg": "mosm/kg",
}
