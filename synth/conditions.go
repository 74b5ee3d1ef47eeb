package synth

import (
	"strings"
	"time"
)

// condition is a long-term condition: who has it, and what comes of it.
//
// Shares by age are those of women, in percent, for each of ageBands; they
// give the shape. scale brings the whole region to register, the percent of
// the age group that practices' registers show in the six boroughs.
// PREVALENCE.md names the source of each and says how it was checked.
type condition struct {
	key      string
	c        *concept
	ages     [11]float64
	men      float64 // men's share over women's
	poor     float64 // the most deprived tenth's share over the least deprived's
	ethnic   string  // categories that have it more often (or less)
	factor   float64 // and by how much
	after    map[string]float64
	scale    float64
	register float64 // percent on registers, of those of age from and over
	from     int
	earliest int     // age before which it does not begin
	years    float64 // how long ago it began, on average
	course   func(s *story, d *diagnosis)
}

// Registers: Quality and Outcomes Framework 2019/20 (NHS Digital), apportioned
// to boroughs by the House of Commons Library (local-health-data-from-QOF,
// output_lad_prevalence.csv); the six boroughs' registers over their lists.
var conditions = []*condition{
	{key: "obesity", c: cObesity, ages: [11]float64{0, 0, 0, 4, 6.5, 10, 12, 13, 11, 7, 3}, men: .8, poor: 1.6, ethnic: "MNPD", factor: 1.3,
		scale: 0.744, register: 8.76, from: 18, earliest: 16, years: 8, course: (*story).obesity},
	{key: "hypertension", c: cHypertension, ages: [11]float64{0, 0, 0, .3, 1.2, 5, 14, 27, 43, 55, 58}, men: 1.05, poor: 1.15, ethnic: "MNPH", factor: 1.35,
		after: map[string]float64{"obesity": 1.6}, scale: 0.771, register: 11.32, from: 0, earliest: 20, years: 9, course: (*story).hypertension},
	{key: "diabetes1", c: cType1, ages: [11]float64{.05, .2, .4, .45, .5, .5, .5, .5, .45, .4, .2}, men: 1.1, poor: 1,
		scale: 0.903, register: .45, from: 17, earliest: 1, years: 15, course: (*story).diabetes1},
	{key: "diabetes2", c: cType2, ages: [11]float64{0, 0, 0, .1, .6, 2.5, 6.5, 12, 18, 20, 16}, men: 1.3, poor: 1.6, ethnic: "HJKLMN", factor: 1.8,
		after: map[string]float64{"obesity": 2, "diabetes1": 0}, scale: 0.480, register: 5.68, from: 17, earliest: 22, years: 9, course: (*story).diabetes2},
	{key: "asthma", c: cAsthma, ages: [11]float64{.8, 4, 6.5, 5.5, 4.4, 5, 6, 6.5, 7, 6.5, 5}, men: .85, poor: 1.2, ethnic: "NRS", factor: .7,
		scale: 0.991, register: 5.12, from: 0, earliest: 3, years: 15, course: (*story).asthma},
	{key: "copd", c: cCOPD, ages: [11]float64{0, 0, 0, 0, 0, .2, 1, 3, 6, 8, 7}, men: 1.15, poor: 3, ethnic: "HJKLMNPRS", factor: .4,
		scale: 0.571, register: 1.30, from: 0, earliest: 38, years: 7, course: (*story).copd},
	{key: "chd", c: cCHD, ages: [11]float64{0, 0, 0, 0, .02, .2, 1, 3.2, 7, 12.5, 17}, men: 1.9, poor: 1.5, ethnic: "HJK", factor: 1.6,
		after: map[string]float64{"hypertension": 1.6, "diabetes2": 1.8}, scale: 0.420, register: 1.81, from: 0, earliest: 35, years: 8, course: (*story).coronary},
	{key: "af", c: cAF, ages: [11]float64{0, 0, 0, 0, .03, .1, .4, 1.5, 5, 12, 18}, men: 1.35, poor: 1, ethnic: "HJKLMNP", factor: .45,
		after: map[string]float64{"hypertension": 1.5}, scale: 0.717, register: 1.17, from: 0, earliest: 30, years: 6, course: (*story).fibrillation},
	{key: "heartfailure", c: cHF, ages: [11]float64{0, 0, 0, 0, .02, .05, .25, .8, 2.1, 5, 10}, men: 1.3, poor: 1.5,
		after: map[string]float64{"chd": 3, "af": 3, "hypertension": 1.5}, scale: 0.320, register: .53, from: 0, earliest: 35, years: 5, course: (*story).heartFailure},
	{key: "stroke", c: cStroke, ages: [11]float64{0, 0, 0, .02, .05, .2, .8, 2, 4.4, 8.5, 12}, men: 1.2, poor: 1.5, ethnic: "MNP", factor: 1.4,
		after: map[string]float64{"af": 1.8, "hypertension": 1.5}, scale: 0.510, register: 1.13, from: 0, earliest: 30, years: 7, course: (*story).stroke},
	{key: "pad", c: cPAD, ages: [11]float64{0, 0, 0, 0, 0, .02, .2, .7, 1.8, 2.8, 3}, men: 1.8, poor: 2, after: map[string]float64{"diabetes2": 2.5},
		scale: 0.334, register: .36, from: 0, earliest: 40, years: 6, course: (*story).peripheral},
	{key: "ckd", c: cCKD3a, ages: [11]float64{0, 0, 0, .02, .1, .3, .9, 2.5, 7, 17, 27}, men: .9, poor: 1.3, ethnic: "MNPHJK", factor: 1.3,
		after: map[string]float64{"hypertension": 1.7, "diabetes2": 1.9, "heartfailure": 1.8}, scale: 0.514, register: 2.30, from: 18, earliest: 25, years: 6, course: (*story).kidney},
	{key: "dementia", c: cAlzheimer, ages: [11]float64{0, 0, 0, 0, 0, 0, .02, .1, .9, 4.5, 16}, men: .75, poor: 1.2, ethnic: "MN", factor: 1.2,
		scale: 0.999, register: .50, from: 0, earliest: 55, years: 3.5, course: (*story).dementia},
	{key: "depression", c: cDepression, ages: [11]float64{0, 0, .6, 5.5, 8.5, 11, 12.5, 12.5, 9.5, 8, 7}, men: .6, poor: 1.5, ethnic: "HJKLMNPRS", factor: .6,
		scale: 0.987, register: 8.91, from: 18, earliest: 14, years: 7, course: (*story).depression},
	{key: "smi", c: cSchizophrenia, ages: [11]float64{0, 0, 0, .3, .9, 1.3, 1.8, 1.8, 1.5, 1.2, .9}, men: 1.15, poor: 2.4, ethnic: "MNPDE", factor: 2,
		scale: 0.457, register: 1.09, from: 0, earliest: 17, years: 12, course: (*story).psychosis},
	{key: "epilepsy", c: cEpilepsy, ages: [11]float64{.1, .3, .4, .5, .5, .55, .6, .65, .7, .7, .6}, men: 1.05, poor: 1.4, scale: 0.770, register: .56, from: 18, earliest: 1, years: 14, course: (*story).epilepsy},
	{key: "learningdisability", c: cLD, ages: [11]float64{0, .25, .5, .6, .45, .4, .4, .4, .3, .15, .05}, men: 1.4, poor: 1.5, scale: 0.611, register: .38, from: 0, earliest: 4, years: 30, course: (*story).learning},
	{key: "rheumatoid", c: cRA, ages: [11]float64{0, 0, 0, .1, .2, .5, 1, 1.3, 1.7, 1.7, 1.2}, men: .4, poor: 1.1, scale: 0.932, register: .54, from: 16, earliest: 20, years: 10, course: (*story).rheumatoid},
	{key: "osteoporosis", c: cOsteoporosis, ages: [11]float64{0, 0, 0, 0, 0, 0, .05, .3, .8, 2, 4}, men: .2, poor: 1, scale: 0.772, register: .43, from: 50, earliest: 50, years: 6, course: (*story).bones},
	{key: "breastcancer", c: cBreast, ages: [11]float64{0, 0, 0, 0, .05, .4, 1.3, 2.4, 3.6, 4.5, 4.5}, men: 0, poor: .9, scale: 1.372, register: .75, from: 0, earliest: 27, years: 6, course: (*story).cancer},
	{key: "prostatecancer", c: cProstate, ages: [11]float64{0, 0, 0, 0, 0, 0, .2, 1.4, 4.2, 7, 8}, men: -1, poor: .9, ethnic: "MNP", factor: 1.9, scale: 1.323, register: .55, from: 0, earliest: 45, years: 5, course: (*story).cancer},
	{key: "bowelcancer", c: cBowel, ages: [11]float64{0, 0, 0, 0, .02, .08, .25, .7, 1.4, 2.3, 2.5}, men: 1.2, poor: 1, scale: 0.790, register: .32, from: 0, earliest: 30, years: 5, course: (*story).cancer},
	{key: "lungcancer", c: cLung, ages: [11]float64{0, 0, 0, 0, 0, .02, .08, .25, .5, .6, .4}, men: 1.1, poor: 2.4, after: map[string]float64{"copd": 3}, scale: 0.510, register: .10, from: 0, earliest: 40, years: 1.8, course: (*story).cancer},
	{key: "hypothyroidism", c: cHypothyroid, ages: [11]float64{.02, .1, .3, .8, 1.8, 3.6, 5.5, 7, 8.5, 9.5, 9.5}, men: .2, poor: 1, ethnic: "MNP", factor: .4, scale: 1.491, register: 3.0, from: 0, earliest: 10, years: 10, course: (*story).thyroid},
	{key: "osteoarthritis", c: cKneeOA, ages: [11]float64{0, 0, 0, 0, .3, 1.2, 5, 11, 17, 22, 22}, men: .7, poor: 1.2, scale: 1.320, register: 7.0, from: 20, earliest: 35, years: 8, course: (*story).joints},
	{key: "migraine", c: cMigraine, ages: [11]float64{0, .6, 2, 4, 6, 7, 7, 5, 3, 2, 1}, men: .35, poor: 1.1, scale: 0.986, register: 4.0, from: 18, earliest: 8, years: 12, course: (*story).migraine},
	{key: "eczema", c: cEczema, ages: [11]float64{12, 9, 5, 3.5, 3, 3, 3, 3, 3, 3, 3}, men: 1, poor: 1, scale: 1.118, register: 4.5, from: 0, earliest: 0, years: 8, course: (*story).skin},
	{key: "psoriasis", c: cPsoriasis, ages: [11]float64{0, .3, .8, 1.2, 1.8, 2.2, 2.6, 2.8, 2.6, 2, 1.4}, men: 1, poor: 1, ethnic: "MNP", factor: .3, scale: 1.113, register: 1.8, from: 0, earliest: 8, years: 14, course: (*story).skin},
	{key: "sicklecell", c: cSickle, ages: [11]float64{.1, .1, .1, .1, .09, .08, .06, .04, .02, 0, 0}, men: 1, poor: 1, ethnic: "NPM", factor: 6, scale: 0.752, register: .10, from: 0, earliest: 0, years: 40, course: (*story).sickle},
	{key: "parkinsons", c: cParkinson, ages: [11]float64{0, 0, 0, 0, 0, 0, .03, .12, .5, 1.3, 1.6}, men: 1.5, poor: 1, scale: 0.874, register: .14, from: 0, earliest: 45, years: 5, course: (*story).parkinsons},
	{key: "multiplesclerosis", c: cMS, ages: [11]float64{0, 0, 0, .02, .15, .3, .4, .4, .35, .2, .05}, men: .4, poor: 1, ethnic: "HJKLMNPRS", factor: .35, scale: 1.321, register: .16, from: 0, earliest: 18, years: 11, course: (*story).sclerosis},
	{key: "hiv", c: cHIV, ages: [11]float64{0, 0, .01, .1, .5, 1, 1.3, 1.1, .4, .1, 0}, men: 2, poor: 1.8, ethnic: "N", factor: 2, scale: 0.411, register: .70, from: 15, earliest: 18, years: 11, course: (*story).hiv},
	{key: "frailty", c: cModFrailty, ages: [11]float64{0, 0, 0, 0, 0, 0, 0, 0, 7, 18, 38}, men: .75, poor: 1.6, after: map[string]float64{"heartfailure": 1.6, "dementia": 1.8, "stroke": 1.5},
		scale: 0.761, register: 15, from: 65, earliest: 65, years: 3, course: (*story).frailty},
	{key: "anxiety", c: cAnxiety, ages: [11]float64{0, .3, 2.2, 6, 6, 6, 6, 5.5, 4, 3, 2.5}, men: .55, poor: 1.3, ethnic: "HJKLMNPRS", factor: .7,
		after: map[string]float64{"depression": 3}, scale: 1.072, register: 6.0, from: 18, earliest: 10, years: 6, course: (*story).anxiety},
}

// diseases decides which conditions p has, and since when.
func (r *Region) diseases(d dice, p *person) []diagnosed {
	last := p.last(r.now)
	age := p.age(last)
	band := 0
	for band < len(ageBands)-2 && age >= ageBands[band+1] {
		band++
	}
	has := map[string]bool{}
	var out []diagnosed
	for _, c := range conditions {
		share := c.ages[band] * c.scale / 100
		switch {
		case c.men < 0 && p.female():
			share = 0
		case !p.female() && c.men >= 0:
			share *= c.men
		}
		share *= c.poor + (1-c.poor)*float64(p.home.decile-1)/9
		if c.ethnic != "" && strings.IndexByte(c.ethnic, p.ethnic) >= 0 {
			share *= c.factor
		}
		for other, f := range c.after {
			if has[other] {
				share *= f
			}
		}
		if !p.died.IsZero() {
			share *= 1.5 // people are iller before they die
		}
		x := d.Float64() // drawn for everybody, so that one condition does not change another's luck
		ago := time.Duration(d.ExpFloat64() * c.years * float64(year))
		if x >= share {
			continue
		}
		first := p.born.AddDate(c.earliest, 0, 20)
		onset := last.Add(-ago)
		if onset.Before(first) {
			onset = first.Add(time.Duration(d.Float64() * float64(last.Sub(first))))
		}
		if onset.After(last) || onset.Before(p.born) {
			continue
		}
		has[c.key] = true
		out = append(out, diagnosed{c, midnight(onset).Add(10 * time.Hour)})
	}
	return out
}

// diagnosed is a condition that somebody has, since a day.
type diagnosed struct {
	c     *condition
	onset time.Time
}
