package cdatofhir

import (
	"strings"
	"testing"

	"selda/cda"
	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
)

func TestDateTime(t *testing.T) {
	for in, want := range map[string]string{
		"2026": "2026", "202611": "2026-11", "20261105": "2026-11-05", "2026110514": "2026-11-05",
		"202611051430":          "2026-11-05T14:30:00+00:00", // the region's winter
		"20260705143015":        "2026-07-05T14:30:15+01:00", // and summer
		"201105192000+01":       "2011-05-19T20:00:00+01:00",
		"20210513182456+0100":   "2021-05-13T18:24:56+01:00",
		"20140103102500.5-0500": "2014-01-03T10:25:00.5-05:00",
		"20260705143015Z":       "2026-07-05T14:30:15Z",
		"":                      "", "Smith": "", "20261305": "", "20261132": "", "202611052530": "", "0000": "", "12345": "", "20261105143099": "",
	} {
		if got := dateTime(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func mapping1(t *testing.T, body string) *mapped.Message {
	t.Helper()
	d, err := cda.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := Map(d, "RJZ:DOCS")
	if err != nil {
		t.Fatal(err)
	}
	check(t, t.Name(), d, msg)
	return msg
}

// one is the only resource of a type.
func one(t *testing.T, msg *mapped.Message, typ string) fhir.Node {
	t.Helper()
	var found []mapped.Resource
	for _, r := range msg.Resources {
		if r.Type == typ {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d of %s", len(found), typ)
	}
	r, err := fhir.Parse(found[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.Root()
}

// G6: recorded, and positively none known, are told apart; a refuted one is neither.
func TestAllergyStates(t *testing.T) {
	for name, c := range map[string]struct{ attrs, value, agent, code, sure string }{
		"recorded":          {``, "416098002", `<code code="7980" codeSystem="2.16.840.1.113883.6.88" displayName="penicillin G"/>`, "7980", "confirmed"},
		"none known":        {`negationInd="true"`, "419199007", `<code nullFlavor="NA"/>`, "716186003", "confirmed"},
		"no known drug":     {`negationInd="true"`, "416098002", `<code nullFlavor="NA"/>`, "409137002", "confirmed"},
		"no known food":     {`negationInd="true"`, "414285001", `<code code="762766007" codeSystem="2.16.840.1.113883.6.96"/>`, "429625007", "confirmed"},
		"said by its code":  {``, "716186003", ``, "716186003", "confirmed"},
		"not to this one":   {`negationInd="true"`, "414285001", `<code code="762952008" codeSystem="2.16.840.1.113883.6.96" displayName="Peanut"/>`, "762952008", "refuted"},
		"only in the words": {``, "419199007", `<code nullFlavor="OTH"><originalText>Grass</originalText></code>`, "", "confirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			msg := mapping1(t, frame(`<entry><act><templateId root="`+allergyConcern+`"/><statusCode code="active"/><entryRelationship typeCode="SUBJ">
<observation `+c.attrs+`><templateId root="`+allergyObservation+`"/><id root="a"/><value xsi:type="CD" code="`+c.value+`" codeSystem="2.16.840.1.113883.6.96"/>
<participant typeCode="CSM"><participantRole><playingEntity>`+c.agent+`</playingEntity></participantRole></participant>
</observation></entryRelationship></act></entry>`))
			a := one(t, msg, "AllergyIntolerance")
			if got := a.Get("code", "coding", "code").Text(); got != c.code {
				t.Errorf("code %q, want %q", got, c.code)
			}
			if got := a.Get("verificationStatus", "coding", "code").Text(); got != c.sure {
				t.Errorf("%q, want %q", got, c.sure)
			}
			if c.code == "" && a.Get("code", "text").Text() != "Grass" {
				t.Error("the words are lost")
			}
		})
	}
}

func TestProblemStates(t *testing.T) {
	for name, c := range map[string]struct{ attrs, inside, code, clinical, sure string }{
		"active":          {``, `<effectiveTime><low value="2006"/></effectiveTime><value xsi:type="CD" code="195967001" codeSystem="2.16.840.1.113883.6.96"/>`, "195967001", "active", "confirmed"},
		"resolved":        {``, `<effectiveTime><low value="2006"/><high value="2008"/></effectiveTime><value xsi:type="CD" code="195967001" codeSystem="2.16.840.1.113883.6.96"/>`, "195967001", "resolved", "confirmed"},
		"ended, unsure":   {``, `<effectiveTime><low value="2006"/><high nullFlavor="UNK"/></effectiveTime><value xsi:type="CD" code="195967001" codeSystem="2.16.840.1.113883.6.96"/>`, "195967001", "resolved", "confirmed"},
		"not this one":    {`negationInd="true"`, `<value xsi:type="CD" code="44054006" codeSystem="2.16.840.1.113883.6.96"/>`, "44054006", "", "refuted"},
		"none known":      {`negationInd="true"`, `<value xsi:type="CD" code="55607006" codeSystem="2.16.840.1.113883.6.96"/>`, "160245001", "active", "confirmed"},
		"stated inactive": {``, `<value xsi:type="CD" code="1" codeSystem="2.16.840.1.113883.6.96"/><entryRelationship><observation><code code="33999-4"/><value xsi:type="CD" code="73425007"/></observation></entryRelationship>`, "1", "inactive", "confirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			msg := mapping1(t, frame(`<entry><act><templateId root="`+problemConcern+`"/><statusCode code="active"/><entryRelationship typeCode="SUBJ">
<observation `+c.attrs+`><templateId root="`+problemObservation+`"/>`+c.inside+`</observation></entryRelationship></act></entry>`))
			p := one(t, msg, "Condition")
			got := [3]string{p.Get("code", "coding", "code").Text(), p.Get("clinicalStatus", "coding", "code").Text(), p.Get("verificationStatus", "coding", "code").Text()}
			if want := [3]string{c.code, c.clinical, c.sure}; got != want {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	for in, want := range map[string]string{
		`<value xsi:type="PQ" value="107.00" unit="mmol/L"/>`:                                  `"valueQuantity":{"code":"mmol/L","system":"http://unitsofmeasure.org","unit":"mmol/L","value":107.00}`,
		`<value xsi:type="PQ" value="3" unit="tablet"/>`:                                       `"valueQuantity":{"unit":"tablet","value":3}`,
		`<value xsi:type="IVL_PQ"><high value="0.1" unit="ng/mL" inclusive="false"/></value>`:  `"comparator":"<"`,
		`<value xsi:type="IVL_PQ"><low value="5" unit="g"/><high value="9" unit="g"/></value>`: `"valueRange":{"high":`,
		`<value xsi:type="CD" code="260373001" codeSystem="2.16.840.1.113883.6.96"/>`:          `"valueCodeableConcept":{"coding":[{"code":"260373001"`,
		`<value xsi:type="ST">Amber</value>`:                                                   `"valueString":"Amber"`,
		`<value xsi:type="BL" value="true"/>`:                                                  `"valueBoolean":true`,
		`<value xsi:type="TS" value="2026"/>`:                                                  `"valueDateTime":"2026"`,
		`<value xsi:type="INT" value="4"/>`:                                                    `"valueQuantity":{"value":4}`,
		`<value xsi:type="PQ" nullFlavor="UNK"/>`:                                              `"dataAbsentReason"`,
		`<value xsi:type="RTO_PQ_PQ"><numerator value="1"/><denominator value="8"/></value>`:   `"valueRatio"`,
	} {
		msg := mapping1(t, frame(`<entry><observation moodCode="EVN"><templateId root="`+resultObservation+`"/><code code="1-8" codeSystem="2.16.840.1.113883.6.1"/>`+in+`</observation></entry>`))
		for _, r := range msg.Resources {
			if r.Type == "Observation" && !strings.Contains(string(r.Body), want) {
				t.Errorf("%s\n%s\nwant %s", in, r.Body, want)
			}
		}
	}
}

// A restricted document's entries are restricted with it, and a section may be
// so by itself.
func TestLabels(t *testing.T) {
	entry := `<entry><observation moodCode="EVN"><code code="1-8" codeSystem="2.16.840.1.113883.6.1"/></observation></entry>`
	msg := mapping1(t, frame(`<section><confidentialityCode code="R" codeSystem="2.16.840.1.113883.5.25"/>`+entry+`</section>`))
	if got := one(t, msg, "Observation").Get("meta", "security", "code").Text(); got != "R" {
		t.Errorf("a restricted section's entry has %q", got)
	}
	if one(t, msg, "DocumentReference").Get("meta").Exists() {
		t.Error("the document is restricted by its section")
	}
	whole := strings.Replace(frame(entry), "<recordTarget>", `<confidentialityCode code="V" codeSystem="2.16.840.1.113883.5.25"/><recordTarget>`, 1)
	msg = mapping1(t, whole)
	for _, typ := range []string{"Observation", "DocumentReference"} {
		if got := one(t, msg, typ).Get("meta", "security", "code").Text(); got != "V" {
			t.Errorf("%s has %q", typ, got)
		}
	}
}

func TestReplaces(t *testing.T) {
	related := `<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3" extension="old"/></parentDocument></relatedDocument>`
	msg := mapping1(t, header+related+"</ClinicalDocument>")
	last := msg.Resources[len(msg.Resources)-1]
	if last.Type != "DocumentReference" || last.Key != "1.2.3:old" || last.Action != mapped.Remove {
		t.Errorf("%+v", last)
	}
	if msg.ControlID != "1.2.3:frame" || msg.Event != "CDA 34133-9" || msg.Sent != "2026-01-01" {
		t.Errorf("%+v", msg)
	}
	same := `<setId root="s"/><relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3" extension="old"/><setId root="s"/></parentDocument></relatedDocument>`
	msg = mapping1(t, header+same+"</ClinicalDocument>")
	// A later version of the same set follows under the same key; an earlier
	// one that did not name its set goes by its number.
	if len(msg.Resources) != 2 || msg.Resources[0].Key != "s" || msg.Resources[0].Action != mapped.Put || !msg.Resources[0].Replaces || msg.Resources[1].Key != "1.2.3:old" {
		t.Errorf("%+v", msg.Resources)
	}
}

func TestPatient(t *testing.T) {
	for root, verified := range map[string]bool{nhsVerified: true, nhsUnverified: false} {
		msg := mapping1(t, strings.Replace(header, nhsVerified, root, 1)+"</ClinicalDocument>")
		p := msg.Patients[0]
		if len(p.Identifiers) != 1 || p.Identifiers[0].Value != "9991234519" || p.Identifiers[0].Verified != verified || p.Fallback != "frame|||" {
			t.Errorf("%+v", p)
		}
	}
	for name, in := range map[string]string{
		"nobody":  `<ClinicalDocument><id root="a"/></ClinicalDocument>`,
		"no name": `<ClinicalDocument><id root="a"/><recordTarget><patientRole><id nullFlavor="UNK"/><patient><birthTime value="1980"/></patient></patientRole></recordTarget></ClinicalDocument>`,
		"no id":   `<ClinicalDocument><recordTarget><patientRole/></recordTarget></ClinicalDocument>`,
	} {
		d, err := cda.Parse([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Map(d, "RJZ:DOCS"); !fault.Is(err, fault.Required) || fault.PlaceOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The same document mapped twice says the same under the same keys.
func TestStableKeys(t *testing.T) {
	in := frame(`<entry><observation moodCode="EVN"><code code="1-8" codeSystem="2.16.840.1.113883.6.1"/></observation></entry>`)
	a, b := mapping1(t, in), mapping1(t, in)
	for i := range a.Resources {
		if a.Resources[i].Key != b.Resources[i].Key || string(a.Resources[i].Body) != string(b.Resources[i].Body) {
			t.Error(a.Resources[i].Key, b.Resources[i].Key)
		}
	}
}

func FuzzMap(f *testing.F) {
	f.Add(`<entry><act><templateId root="` + problemConcern + `"/><entryRelationship typeCode="SUBJ"><observation><value xsi:type="CD" code="1"/></observation></entryRelationship></act></entry>`)
	f.Add(`<entry><substanceAdministration moodCode="INT"><templateId root="` + medicationActivity + `"/><effectiveTime xsi:type="PIVL_TS"><period value="6" unit="h"/></effectiveTime><doseQuantity><low value="1"/></doseQuantity><consumable><manufacturedProduct><manufacturedMaterial><name>x</name></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration></entry>`)
	f.Add(`<entry><organizer><templateId root="` + resultOrganizer + `"/><code code="a"/><component><observation><code code="b"/><value xsi:type="IVL_PQ"><high value="1"/></value></observation></component></organizer></entry>`)
	f.Add(`<entry><procedure negationInd="true"><code displayName="x"><originalText><reference value="#a"/></originalText></code></procedure></entry>`)
	f.Fuzz(func(t *testing.T, part string) {
		d, err := cda.Parse([]byte(frame(part)))
		if err != nil {
			return
		}
		msg, err := Map(d, "RJZ:DOCS")
		if err != nil {
			if fault.KindOf(err) == fault.Exception {
				t.Fatal(err)
			}
			return
		}
		check(t, "fuzz", d, msg)
	})
}

func BenchmarkMap(b *testing.B) {
	d, err := cda.Parse([]byte(frame(`<entry><observation moodCode="EVN"><code code="1-8" codeSystem="2.16.840.1.113883.6.1"/><value xsi:type="PQ" value="1" unit="g"/></observation></entry>`)))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Map(d, "RJZ:DOCS"); err != nil {
			b.Fatal(err)
		}
	}
}
