package synth

import (
	"strconv"
	"time"
)

// vaccine is one as it is given: the procedure's code, and what is in it.
type vaccine struct {
	sct, term string
	product   string
	weeks     int // when it is due in childhood, weeks after birth
	since     int // the year from which it is offered; 0 always
}

// The routine schedule of the UK Health Security Agency, as it stood in the
// early 2020s; earlier cohorts are given the same.
var childhoodSchedule = []vaccine{
	{"1082441000000108", "First diphtheria, tetanus, acellular pertussis, inactivated polio, Hib and hepatitis B vaccination", "Infanrix hexa", 8, 2017},
	{"868631000000102", "First rotavirus vaccination", "Rotarix", 8, 2013},
	{"720539004", "First meningitis B vaccination", "Bexsero", 8, 2015},
	{"1082451000000106", "Second diphtheria, tetanus, acellular pertussis, inactivated polio, Hib and hepatitis B vaccination", "Infanrix hexa", 12, 2017},
	{"247631000000101", "First pneumococcal conjugated vaccination", "Prevenar 13", 12, 2006},
	{"868651000000109", "Second rotavirus vaccination", "Rotarix", 12, 2013},
	{"1082461000000109", "Third diphtheria, tetanus, acellular pertussis, inactivated polio, Hib and hepatitis B vaccination", "Infanrix hexa", 16, 2017},
	{"720540002", "Second meningitis B vaccination", "Bexsero", 16, 2015},
	{"712834006", "Haemophilus influenzae type b and meningitis C vaccination", "Menitorix", 53, 2006},
	{"38598009", "Measles, mumps and rubella vaccination", "Priorix", 53, 1988},
	{"247641000000105", "Second pneumococcal conjugated vaccination", "Prevenar 13", 53, 2006},
	{"720544006", "Booster meningitis B vaccination", "Bexsero", 53, 2015},
	{"170433008", "Measles, mumps and rubella vaccination - second dose", "Priorix", 175, 1996},
	{"390865008", "Booster diphtheria, acellular pertussis, polio and tetanus vaccination", "Boostrix-IPV", 175, 2001},
}

var (
	vFlu       = &vaccine{"822851000000102", "Seasonal influenza vaccination", "Seasonal influenza vaccine", 0, 0}
	vCovid1    = &vaccine{"1324681000000101", "First dose of SARS-CoV-2 vaccination", "COVID-19 vaccine", 0, 2021}
	vCovid2    = &vaccine{"1324691000000104", "Second dose of SARS-CoV-2 vaccination", "COVID-19 vaccine", 0, 2021}
	vCovidMore = &vaccine{"1362591000000103", "Booster dose of SARS-CoV-2 vaccination", "COVID-19 mRNA vaccine", 0, 2021}
	vPneumo    = &vaccine{"12866006", "Pneumococcal vaccination", "Pneumovax 23", 0, 0}
	vShingles  = &vaccine{"722215002", "Shingles vaccination", "Shingrix", 0, 2013}
)

func (s *story) vaccinate(v *vaccine, at time.Time, dose int, given bool) {
	if at.Before(s.p.born) || !at.Before(s.end) {
		return
	}
	lot := string([]byte{byte('A' + s.IntN(26)), byte('A' + s.IntN(26))}) + strconv.Itoa(s.between(1000, 9999))
	s.gp.vaccinations = append(s.gp.vaccinations, vaccination{v, at, dose, lot, given})
	s.gp.enter(at, isVaccination, len(s.gp.vaccinations)-1)
}

// childhood gives the schedule of early years, some of it late or declined.
// London's uptake is the lowest of England's: about nine in ten at a year.
func (s *story) childhood() {
	if s.p.born.Year() < 1988 {
		return
	}
	late := s.between(0, 3)
	keen := .97 - .025*float64(10-s.p.home.decile)/2
	if s.chance(.06) {
		keen = .2
	}
	for i := range childhoodSchedule {
		v := &childhoodSchedule[i]
		if s.p.born.Year() < v.since {
			continue
		}
		due := s.p.born.AddDate(0, 0, v.weeks*7+late*7+s.birthday%6)
		at := s.onDay(due)
		given := s.chance(keen)
		if given || s.chance(.3) {
			s.vaccinate(v, at, 1+i%3, given)
		}
	}
}

// adultVaccines gives influenza, COVID-19, pneumococcal and shingles vaccines
// to those who are offered them.
func (s *story) adultVaccines() {
	atRisk := len(s.conditions) > 1
	keen := .45 + .05*float64(s.p.home.decile)/2
	for y := s.start.Year(); y <= s.end.Year(); y++ {
		autumn := s.onDay(time.Date(y, 10, 1+s.birthday%25, 0, 0, 0, 0, time.UTC))
		age := s.p.age(autumn)
		offered := age >= 65 || atRisk && age >= 18 || age >= 2 && age <= 10
		if offered && s.within(autumn) && s.chance(keen) {
			s.vaccinate(vFlu, autumn, 1, true)
		}
		if y >= 2022 && age >= 75 && s.within(autumn) && s.chance(.6) {
			s.vaccinate(vCovidMore, autumn, y-2019, true)
		}
	}
	if first := s.onDay(time.Date(2021, 7, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -2*s.p.age(s.end)-s.birthday%14)); s.p.age(first) >= 18 && s.chance(.8) {
		s.vaccinate(vCovid1, first, 1, true)
		if s.chance(.95) {
			s.vaccinate(vCovid2, first.AddDate(0, 0, 77), 2, true)
		}
	}
	if at := s.onDay(s.p.born.AddDate(65, 2, 0)); s.chance(.7) {
		s.vaccinate(vPneumo, at, 1, true)
	}
	if at := s.onDay(s.p.born.AddDate(70, 4, 0)); at.Year() >= 2013 && s.chance(.5) {
		s.vaccinate(vShingles, at, 1, true)
	}
}
