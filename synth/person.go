package synth

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// home is where a household lives.
type home struct {
	borough  int
	line     string
	postcode string
	decile   int // of deprivation, 1 the most deprived
	phone    string
}

// person is one synthetic citizen, as they really are. What each source
// believes of them is an identity (identity.go).
type person struct {
	index     int
	nhs       string // ten digits
	family    string
	given     string
	middle    string
	preferred string
	title     string
	sex       byte // 'F' or 'M'
	ethnic    byte // NHS ethnic category
	born      time.Time
	died      time.Time // zero while alive
	home      *home
	practice  *Organisation
	mobile    string
	language  string // "" for English
	mother    *person
	children  []*person // of a mother, those born to her in this household
	naming    *naming
	had       []diagnosis
	alone     bool
}

// age is in whole years at t.
func (p *person) age(t time.Time) int { return years(p.born, t) }

// last is the last moment of which feeds may speak: death, or now.
func (p *person) last(now time.Time) time.Time {
	if !p.died.IsZero() {
		return p.died
	}
	return now
}

func (p *person) female() bool { return p.sex == 'F' }

// a member of a household that is to be made: how old, and of which sex.
type member struct {
	age   int
	sex   byte
	role  byte // 'h' head, 'p' partner, 'c' child, 'o' older relative, 's' sharer
	after int  // of a child, index of the mother; -1 of others
}

// The shares of kinds of household, of the inner and of the outer boroughs.
// They are set so that the ages of all people come out as in place.go.
var (
	innerHouseholds = []float64{20, 11, 20, 13.5, 7.5, 8, 4.5, 1.2, 8}
	outerHouseholds = []float64{10, 2.5, 16, 20, 5, 18, 18, 1.5, 12}
)

// members decides who lives together: one adult, sharers, a couple, a couple
// with children, a lone parent, an older person, an older couple, three
// generations, parents with grown children.
func members(d dice, inner float64) []member {
	w := make([]float64, len(innerHouseholds))
	for i := range w {
		w[i] = innerHouseholds[i]*inner + outerHouseholds[i]*(1-inner)
	}
	adult := func(lo, hi int) int { return d.between(lo, hi) }
	head := func(age int) member { return member{age, oneOf(d, []byte("FM")), 'h', -1} }
	mother := func(age int) member { return member{age, 'F', 'h', -1} }
	with := func(list []member) []member { return append(list, partner(d, list[0])) }
	switch d.weighted(w) {
	case 0:
		return []member{head(adult(22, 66))}
	case 1:
		list := []member{{d.between(18, 34), oneOf(d, []byte("FM")), 'h', -1}}
		for range d.between(1, 3) {
			list = append(list, member{max(18, list[0].age+d.between(-4, 6)), oneOf(d, []byte("FM")), 's', -1})
		}
		return list
	case 2:
		return with([]member{mother(adult(23, 64))})
	case 3:
		return family(d, true)
	case 4:
		return family(d, false)
	case 5:
		return []member{{older(d), "FFM"[d.IntN(3)], 'h', -1}}
	case 6:
		return with([]member{mother(older(d))})
	case 7:
		list := family(d, true)
		return append(list, member{list[0].age + d.between(20, 35), "FFM"[d.IntN(3)], 'o', -1})
	}
	list := with([]member{mother(adult(46, 64))})
	for range d.between(1, 2) {
		list = append(list, member{max(18, list[0].age-d.between(20, 36)), oneOf(d, []byte("FM")), 'c', 0})
	}
	return list
}

// older is an age from 65, thinning out towards 100.
func older(d dice) int {
	for {
		if a := 65 + int(math.Abs(d.NormFloat64())*18); a < 101 {
			return a
		}
	}
}

func partner(d dice, of member) member {
	sex := byte('M')
	if d.chance(.04) {
		sex = 'F'
	}
	return member{max(18, of.age+int(d.normal(2, 3.5))), sex, 'p', -1}
}

// family is a mother, perhaps with a partner, and her children: the youngest
// is fifteen at most, the others are two to four years apart.
func family(d dice, couple bool) []member {
	age := d.between(0, 15)
	var young []member
	for range d.weighted([]float64{0, 42, 40, 13, 5}) {
		young = append(young, member{age, oneOf(d, []byte("FM")), 'c', 0})
		age += d.between(2, 4)
	}
	eldest := young[len(young)-1].age
	list := []member{{eldest + min(d.between(19, 38), 46+young[0].age-eldest), 'F', 'h', -1}}
	if couple {
		list = append(list, partner(d, list[0]))
	}
	return append(list, young...)
}

// household makes the people of household number h, without their stories.
func (r *Region) household(h int) []*person {
	d := newDice(r.seed, uint64(h)*2+1)
	b := &boroughs[0]
	at := &home{}
	x := d.IntN(residents)
	for i := range boroughs {
		if b, at.borough = &boroughs[i], i; x < b.Residents {
			break
		}
		x -= b.Residents
	}
	r.settle(d, at, b)
	practices := r.orgs.practices[at.borough]
	practice := practices[d.IntN(len(practices))]
	list := members(d, b.Inner)
	people := make([]*person, 0, len(list))
	for _, m := range list {
		p := &person{sex: m.sex, home: at, practice: practice, alone: len(list) == 1}
		p.born = midnight(r.now).AddDate(-m.age, 0, -d.IntN(365))
		if m.role == 's' || m.role == 'p' && d.chance(.25) {
			p.practice = practices[d.IntN(len(practices))]
		}
		r.name(d, b, p, m, people)
		r.mortality(d, p)
		people = append(people, p)
	}
	for _, p := range people {
		for _, c := range people {
			if c.mother == p {
				p.children = append(p.children, c)
			}
		}
	}
	return people
}

var residents = func() int {
	n := 0
	for i := range boroughs {
		n += boroughs[i].Residents
	}
	return n
}()

// settle gives a household its address. Inward codes are made up: C, I, K, M,
// O and V never stand in them. Phone numbers are those kept for drama.
func (r *Region) settle(d dice, at *home, b *Borough) {
	const letters = "ABDEFGHJLNPQRSTUWXYZ"
	at.decile = d.weighted(b.deprived[:]) + 1
	at.postcode = oneOf(d, b.outward) + " " + strconv.Itoa(d.between(1, 9)) + string([]byte{letters[d.IntN(len(letters))], letters[d.IntN(len(letters))]})
	n := strconv.Itoa(d.between(1, 220))
	if d.chance(.35 + .25*b.Inner) {
		n = "Flat " + strconv.Itoa(d.between(1, 48)) + ", " + n
	}
	at.line = n + " " + oneOf(d, b.streets)
	at.phone = "020794600" + pad(d.IntN(100), 2)
}

// name gives p a background, names, a phone and a language that fit the
// household: partners mostly share a background, children have their
// mother's or a mixed one, and families share a surname.
func (r *Region) name(d dice, b *Borough, p *person, m member, before []*person) {
	p.ethnic = ethnicities[d.weighted(b.ethnic[:])]
	p.naming = oneOf(d, namings[p.ethnic])
	if len(before) > 0 && m.role != 's' {
		head := before[0]
		if m.role != 'p' || d.chance(.8) {
			p.ethnic, p.naming = head.ethnic, head.naming
		}
		if m.role == 'c' {
			p.mother = head
			p.family = head.family
			if len(before) > 1 && before[1].ethnic != head.ethnic && d.chance(.8) {
				p.ethnic = mixed(head.ethnic, before[1].ethnic)
			}
		} else if d.chance(.7) {
			p.family = head.family
		}
	}
	if p.family == "" {
		p.family = oneOf(d, p.naming.surnames)
	}
	e := era(p.born.Year())
	list := p.naming.men[e]
	if p.female() {
		list = p.naming.women[e]
	}
	p.given = oneOf(d, list)
	for _, q := range before { // two of one household seldom have the same name
		if q.given == p.given && q.sex == p.sex {
			p.given = oneOf(d, list)
		}
	}
	if d.chance(.5) {
		p.middle = oneOf(d, list)
	}
	p.title = title(p.sex, p.age(r.now), d.IntN(4))
	if d.chance(.04) {
		p.preferred = strings.SplitN(oneOf(d, list), " ", 2)[0]
	}
	p.mobile = "07700900" + pad(d.IntN(1000), 3)
	if p.naming.language != "" && p.age(r.now) > 16 && d.chance(p.naming.speakLess*(.6+float64(p.age(r.now))/80)) {
		p.language = p.naming.language
	}
}

func mixed(a, b byte) byte {
	pair := string([]byte{a, b})
	switch {
	case strings.ContainsAny(pair, "ABC") && strings.Contains(pair, "M"):
		return 'D'
	case strings.ContainsAny(pair, "ABC") && strings.ContainsAny(pair, "NP"):
		return 'E'
	case strings.ContainsAny(pair, "ABC") && strings.ContainsAny(pair, "HJKLR"):
		return 'F'
	}
	return 'G'
}

// mortality lets p die within the ten years at a rate that doubles about
// every eight years of age and is higher where people are poorer (the shape
// of the ONS national life tables). People who died are kept in the region,
// so that the rate is that of the living whom they stand beside.
func (r *Region) mortality(d dice, p *person) {
	age := float64(p.age(r.now))
	yearly := .00004*math.Exp(.092*age) + .0002
	if p.sex == 'M' {
		yearly *= 1.3
	}
	yearly *= 1.45 - .09*float64(p.home.decile-1)
	const kept = 4 // years' worth of the dead, since the living are drawn at today's ages
	if age < 1 || !d.chance(1-math.Exp(-yearly*kept)) {
		return
	}
	p.died = d.anyHour(r.now.Add(-time.Duration(d.Float64() * 9 * float64(year))))
	if p.died.Before(p.born.Add(30 * day)) {
		p.died = time.Time{}
	}
}

// pad is n in at least w digits.
func pad(n, w int) string {
	s := strconv.Itoa(n)
	for len(s) < w {
		s = "0" + s
	}
	return s
}
