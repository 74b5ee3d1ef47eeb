package v2tofhir

import (
	"testing"

	"selda/hl7v2"
)

const admission = "MSH|^~\\&|PAS|RJZ|SELDA|QWE|202603150930||ADT^A01^ADT_A01|M1|P|2.4\r" +
	"EVN||202603150930|||C3456789^Darwin^Samuel^^^Dr^^^GMC|202603150915\r" +
	"PID|1||K123456^^^RJZ^MR~999 123 4519^^^NHS^NH||SMITH^FREDRICA^J^^MRS^^L~SMITH^FREDDIE^^^^^N|SCHMIDT|19651213|2|SCHMIDT^FREDRICA||" +
	"29 WEST AVENUE^CAMBERWELL^LONDON^^SE59RS^GBR^H||020 7946 0001^PRN^PH~07700900123^PRN^CP|02079460002^WPN|EN|M|C22|||||A||N||||||||01\r" +
	"PD1|||CAMBERWELL SURGERY^^G85001|G5612908^Townley^Gregory^^^Dr^^^GMC\r" +
	"NK1|1|SMITH^ALBERT^^^MR|SPO^Spouse|29 WEST AVENUE^^LONDON^^SE59RS|020 7946 0001||||||||||1|19631111\r" +
	"PV1|1|I|WARD7^BAY2^BED6^RJZ01||||C3456789^Darwin^Samuel^^^Dr^^^GMC|G5612908^Townley^Gregory^^^Dr^^^GMC||300||||19|||||V2139^^^VISIT|||||||||||||||||||||||||202603150915\r" +
	"PV2|||^Abdominal pain\r" +
	"AL1|1|DA|91936005^Allergy to penicillin^SCT|SV|^Rash~^Wheeze|19980701\r" +
	"DG1|1||K35.8^Acute appendicitis^ICD10||20260315|W\r"

const bloods = "MSH|^~\\&|LAB|RJZ|SELDA|QWE|20260315120000||ORU^R01|L1|P|2.3\r" +
	"PID|1||K123456^^^RJZ^MR||SMITH^FREDRICA||19651213|F\r" +
	"PV1|1|I|||||||||||||||||V2139^^^VISIT\r" +
	"ORC|RE|P7700|F8800\r" +
	"OBR|1|P7700|F8800|UE^Urea and electrolytes^WinPath|||20260315110000|||||||||||||||20260315115500||LAB|F\r" +
	"OBX|1|NM|K^Potassium^WinPath||3.93|mmol/L|3.5 - 5.3|N|||F\r" +
	"OBX|2|NM|NA^Sodium^WinPath||131|mmol/L|133 - 146|L|||F\r" +
	"OBX|3|NM|UR^Urea^WinPath||4.6|mmol/L|2.5 - 7.8||||F\r" +
	"OBX|4|NM|CR^Creatinine^WinPath||71|umol/L|49 - 92||||F\r" +
	"OBX|5|NM|GFR^eGFR^WinPath||>90|mL/min|[ > 60 ]||||F\r" +
	"OBX|6|NM|CRP^CRP^WinPath||12.0|mg/L|<5|H|||F\rNTE|1||Repeat in 48 hours\r" +
	"OBX|7|NM|HB^Haemoglobin^WinPath||139|g/L|135 - 180||||F\r" +
	"OBX|8|NM|WCC^White cells^WinPath||8.87|x10*9/L|4.0 - 11.0||||F\r" +
	"OBX|9|NM|PLT^Platelets^WinPath||254|x10*9/L|150 - 450||||F\r" +
	"OBX|10|NM|MCV^Mean cell volume^WinPath||90.18|fL|80 - 98||||F\r"

// Whatever parses maps or is refused with a place, and what it maps to is
// FHIR with true origins.
func FuzzMap(f *testing.F) {
	f.Add([]byte(admission))
	f.Add([]byte(bloods))
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, one := range hl7v2.Split(raw) {
			m, err := hl7v2.Parse(one)
			if err != nil {
				continue
			}
			out, err := Map(m, "RJZ:PAS")
			if err != nil {
				continue
			}
			check(t, m, out)
		}
	})
}

func benchmark(b *testing.B, msg string) {
	raw := []byte(msg)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		m, err := hl7v2.Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Map(m, "RJZ:PAS"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdmission(b *testing.B)  { benchmark(b, admission) }
func BenchmarkTenResults(b *testing.B) { benchmark(b, bloods) }
