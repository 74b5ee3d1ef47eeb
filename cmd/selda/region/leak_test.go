package region

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"selda/fault"
	"selda/ingest"
)

// lockedBuffer is a log that may be written by many.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Invariant 8, patient data never reaches a log line, an error text or a
// metric: messages that fail in many ways, with a name that must not come out.
func TestInvariant8NothingOfAPatientInLogsErrorsAndMetrics(t *testing.T) {
	const secret = "ZZQSECRET"
	log := &lockedBuffer{}
	r, err := Open(t.Context(), Options{Data: t.TempDir(), Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	reasons := &bytes.Buffer{}
	for format, bodies := range map[string][]string{
		ingest.HL7v2: {secret, "MSH|^~\\&|" + secret, "MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.4\rPID|1||||" + secret + "|||" + secret,
			"MSH|^~\\&|A|B|||2026||" + secret + "|1|P|2.4\rPID|1||1^^^X||" + secret + "^A||" + secret},
		ingest.FHIR: {`{"` + secret + `":`, `{"resourceType":"` + secret + `"}`, `{"resourceType":"Patient","` + secret + `":1,"` + secret + `":2}`, `<Patient xmlns="http://hl7.org/fhir"><` + secret + `/></Patient>`,
			`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"` + secret + `"}}]}`, `{"resourceType":"Patient","name":[{"family":"` + secret + `"}],"birthDate":7}`},
		ingest.CDA: {"<" + secret + "/>", "<ClinicalDocument>" + secret, "<ClinicalDocument><id/><title>" + secret + "</title></ClinicalDocument>"},
		ingest.CSV: {secret + "\n1", "nhs_number,surname\n" + secret + ",x"},
	} {
		for _, b := range bodies {
			rec, err := r.Ingest.Submit(t.Context(), &ingest.Raw{Source: "RJZ:PAS", Format: format, Body: []byte(b), Mapping: "gp-problems", Row: 2})
			if err != nil {
				t.Fatal(err)
			}
			out, err := rec.Committed(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			reasons.WriteString(out.Reason + " " + out.Place + "\n")
			if out.Err != nil {
				reasons.WriteString(out.Err.Error() + " " + fault.Reason(out.Err) + "\n")
			}
		}
	}
	for _, path := range []string{"/fhir/Patient/" + secret, "/fhir/" + secret, "/fhir/Patient?name=" + secret, "/record/" + secret, "/trace/" + secret} {
		if resp, err := http.Get(server.URL + path); err == nil {
			_, _ = io.Copy(reasons, resp.Body)
			_ = resp.Body.Close()
		}
	}
	resp, err := http.Get(server.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"an error or reason": reasons.String(), "the log": log.b.String(), "the metrics": string(metrics)} {
		if i := strings.Index(strings.ToUpper(text), secret); i >= 0 {
			t.Errorf("patient data in %s: …%s…", where, text[max(0, i-80):min(len(text), i+80)])
		}
	}
	if !strings.Contains(string(metrics), "selda_messages_total") {
		t.Error("the metrics do not count messages")
	}
}
