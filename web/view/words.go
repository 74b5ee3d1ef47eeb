package view

import (
	"strconv"
	"strings"
	"time"
)

// Precision is how exactly a date is known.
type Precision uint8

// The precisions.
const (
	Unknown Precision = iota
	Year
	Month
	Day
	Minute
)

// Date is a date as exactly as it is known. The zero Date is none.
type Date struct {
	At        time.Time
	Precision Precision
}

// ParseDate reads a FHIR date, dateTime or instant; what is none is the zero Date.
// https://hl7.org/fhir/R4/datatypes.html#dateTime
func ParseDate(s string) Date {
	layout, p := "", Unknown
	switch {
	case len(s) == 4:
		layout, p = "2006", Year
	case len(s) == 7:
		layout, p = "2006-01", Month
	case len(s) == 10:
		layout, p = "2006-01-02", Day
	case len(s) > 10 && s[10] == 'T':
		layout, p = time.RFC3339, Minute
		if !strings.HasSuffix(s, "Z") && strings.LastIndexAny(s, "+-") < 11 {
			layout = "2006-01-02T15:04:05" // a time without a zone is local
			if len(s) == 16 {
				layout = "2006-01-02T15:04"
			}
		}
	default:
		return Date{}
	}
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return Date{}
	}
	if p == Minute && layout == time.RFC3339 {
		t = london(t)
	}
	return Date{t, p}
}

// IsZero says that there is no date.
func (d Date) IsZero() bool { return d.Precision == Unknown }

// Pro is the date for professionals: 05-Nov-2026, Nov-2026, 2026.
func (d Date) Pro() string {
	switch d.Precision {
	case Year:
		return d.At.Format("2006")
	case Month:
		return d.At.Format("Jan-2006")
	case Day, Minute:
		return d.At.Format("02-Jan-2006")
	}
	return ""
}

// ProTime is Pro with the time of day, where it is known: 05-Nov-2026 14:05.
func (d Date) ProTime() string {
	if d.Precision == Minute {
		return d.At.Format("02-Jan-2006 15:04")
	}
	return d.Pro()
}

// Plain is the date for everybody: 5 November 2026.
func (d Date) Plain() string {
	switch d.Precision {
	case Year:
		return d.At.Format("2006")
	case Month:
		return d.At.Format("January 2006")
	case Day, Minute:
		return d.At.Format("2 January 2006")
	}
	return ""
}

// ISO is the date for machines, as exactly as it is known.
func (d Date) ISO() string {
	switch d.Precision {
	case Year:
		return d.At.Format("2006")
	case Month:
		return d.At.Format("2006-01")
	case Day:
		return d.At.Format("2006-01-02")
	case Minute:
		return d.At.Format(time.RFC3339)
	}
	return ""
}

// Ago is how long before now it was: "today", "3 days ago", "in 2 weeks"; ""
// where it is more than two months away or not known to the day.
func (d Date) Ago(now time.Time) string {
	if d.Precision < Day {
		return ""
	}
	now = london(now)
	days := int(midnight(now).Sub(midnight(d.At)).Hours()/24 + 0.5)
	if midnight(d.At).After(midnight(now)) {
		days = -int(midnight(d.At).Sub(midnight(now)).Hours()/24 + 0.5)
	}
	switch {
	case days == 0:
		return "today"
	case days == 1:
		return "yesterday"
	case days == -1:
		return "tomorrow"
	case days > 1 && days < 14:
		return strconv.Itoa(days) + " days ago"
	case days >= 14 && days <= 60:
		return strconv.Itoa(days/7) + " weeks ago"
	case days < -1 && days > -14:
		return "in " + strconv.Itoa(-days) + " days"
	case days <= -14 && days >= -60:
		return "in " + strconv.Itoa(-days/7) + " weeks"
	}
	return ""
}

// Before orders dates; none is before all.
func (d Date) Before(e Date) bool {
	if d.IsZero() || e.IsZero() {
		return d.IsZero() && !e.IsZero()
	}
	return d.At.Before(e.At)
}

// Since is how long ago an instant was, short: "2 min ago", "3 days ago".
func Since(at, now time.Time) string {
	d := now.Sub(at)
	plural := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit + " ago"
		}
		return strconv.Itoa(n) + " " + unit + "s ago"
	}
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min ago"
	case d < 24*time.Hour:
		return plural(int(d/time.Hour), "hour")
	}
	return plural(int(d/(24*time.Hour)), "day")
}

// Age is somebody's age at a time, as is usual at that age: hours to 2 days,
// days to 4 weeks, weeks to a year, months to 2, years and months to 18.
// NHS common user interface, Patient Banner.
func Age(born Date, at time.Time) string {
	if born.Precision < Day {
		if born.Precision == Unknown {
			return ""
		}
		return "about " + strconv.Itoa(max(0, at.Year()-born.At.Year())) + "y"
	}
	at = london(at)
	if at.Before(born.At) {
		return ""
	}
	years, months := elapsed(born.At, at)
	days := int(midnight(at).Sub(midnight(born.At)).Hours()/24 + 0.5)
	switch {
	case born.Precision == Minute && at.Sub(born.At) < 48*time.Hour:
		return strconv.Itoa(int(at.Sub(born.At).Hours())) + "h"
	case days < 28:
		return strconv.Itoa(days) + "d"
	case years < 1:
		return strconv.Itoa(days/7) + "w"
	case years < 2:
		return strconv.Itoa(years*12+months) + "m"
	case years < 18:
		s := strconv.Itoa(years) + "y"
		if months > 0 {
			s += " " + strconv.Itoa(months) + "m"
		}
		return s
	}
	return strconv.Itoa(years) + "y"
}

// elapsed is the whole years, and the months beyond them, from a to b.
func elapsed(a, b time.Time) (years, months int) {
	months = (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
	if b.Day() < a.Day() {
		months--
	}
	return months / 12, months % 12
}

// midnight is a time's day, as a day of 24 hours.
func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// london is a time by the clocks of the region, by rule rather than by the
// machine's tables: summer time is from the last Sunday of March, 01:00 UTC,
// to the last Sunday of October, 01:00 UTC.
func london(t time.Time) time.Time {
	u := t.UTC()
	last := func(m time.Month) time.Time {
		d := time.Date(u.Year(), m, 31, 1, 0, 0, 0, time.UTC)
		return d.AddDate(0, 0, -int(d.Weekday()))
	}
	if !u.Before(last(time.March)) && u.Before(last(time.October)) {
		return u.In(bst)
	}
	return u.In(gmt)
}

var (
	gmt = time.FixedZone("GMT", 0)
	bst = time.FixedZone("BST", 3600)
)

// Name is a person's name.
type Name struct {
	Title, Given, Family string
	Preferred            string // what they want to be called
}

// Pro is the name for professionals: FAMILY, Given (Title).
func (n Name) Pro() string {
	s := strings.ToUpper(n.Family)
	switch {
	case s == "":
		s = n.Given
	case n.Given != "":
		s += ", " + n.Given
	}
	if s == "" {
		return "Name not known"
	}
	if n.Title != "" {
		s += " (" + n.Title + ")"
	}
	return s
}

// Short is FAMILY and the first given name, for a line that has no room for
// more; Beyond is what Pro has beyond it.
func (n Name) Short() string {
	n.Given, _, _ = strings.Cut(n.Given, " ")
	n.Title = ""
	return n.Pro()
}

// Beyond is what Pro has beyond Short: further names and the title.
func (n Name) Beyond() string { return strings.TrimSpace(strings.TrimPrefix(n.Pro(), n.Short())) }

// Plain is the name for everybody: Given Family.
func (n Name) Plain() string {
	s := strings.TrimSpace(n.Given + " " + n.Family)
	if s == "" {
		return "Name not known"
	}
	return s
}

// First is what to call somebody: the preferred name, or the first given one.
func (n Name) First() string {
	if n.Preferred != "" {
		return n.Preferred
	}
	first, _, _ := strings.Cut(n.Given, " ")
	return first
}

// Label makes words of a FHIR element's or type's name: "onsetString" is "Onset string".
func Label(element string) string { return label(element) }

// label makes words of a FHIR element's name: "onsetDateTime" is "Onset date time".
func label(element string) string {
	if l, ok := labels[element]; ok {
		return l
	}
	var b strings.Builder
	for i := 0; i < len(element); i++ {
		c := element[i]
		switch {
		case i == 0 && c >= 'a' && c <= 'z':
			b.WriteByte(c - 32)
		case i > 0 && c >= 'A' && c <= 'Z':
			b.WriteByte(' ')
			b.WriteByte(c + 32)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

var labels = map[string]string{
	"code": "What", "clinicalStatus": "Status", "verificationStatus": "How certain", "onsetDateTime": "Began", "onsetPeriod": "Began",
	"onsetString": "Began", "onsetAge": "Began at age", "abatementDateTime": "Ended", "abatementString": "Ended", "recordedDate": "Recorded",
	"effectiveDateTime": "Date", "effectivePeriod": "Period", "effectiveInstant": "Date", "issued": "Reported", "valueQuantity": "Value",
	"valueCodeableConcept": "Value", "valueString": "Value", "valueInteger": "Value", "valueBoolean": "Value", "valueDateTime": "Value",
	"medicationCodeableConcept": "Medicine", "medicationReference": "Medicine", "dosage": "Dose", "dosageInstruction": "Dose",
	"authoredOn": "Ordered", "dateAsserted": "Recorded", "occurrenceDateTime": "Given on", "vaccineCode": "Vaccine", "lotNumber": "Batch",
	"performedDateTime": "Done on", "performedPeriod": "Done", "serviceType": "Service", "reasonCode": "Reason", "statusReason": "Why this status",
	"note": "Note", "referenceRange": "Reference range", "interpretation": "Meaning", "performer": "By", "asserter": "Said by", "recorder": "Recorded by",
	"requester": "Ordered by", "encounter": "During", "bodySite": "Where on the body", "dispenseRequest": "Supply", "context": "During",
	"serviceProvider": "Organisation", "hospitalization": "Stay", "class": "Kind of contact", "participant": "Who", "location": "Where",
	"primarySource": "Recorded first-hand", "result": "Results", "conclusion": "Conclusion", "author": "Author", "custodian": "Kept by",
	"masterIdentifier": "Document number", "identifier": "Number", "based": "Ordered by", "basedOn": "Asked for in", "partOf": "Part of", "hasMember": "Contains",
	"dataAbsentReason": "Why there is no value", "doseQuantity": "Dose", "supportingInfo": "See also", "intent": "Intent", "docStatus": "Document status",
}
