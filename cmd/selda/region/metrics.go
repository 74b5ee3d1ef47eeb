package region

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"selda/ingest"
)

// metrics are numbers for those who run SELDA. No label is ever of a person:
// only formats, states, kinds of page and status codes.
type metrics struct {
	registry *prometheus.Registry
	messages *prometheus.CounterVec
	requests *prometheus.HistogramVec
}

func newMetrics(r *Region) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "selda_messages_total", Help: "Messages that were committed, by format and what became of them."}, []string{"format", "state"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "selda_http_request_seconds", Help: "Time to answer, by kind of request and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}, []string{"kind", "method", "status"}),
	}
	m.registry.MustRegister(m.messages, m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "selda_uncommitted_bytes", Help: "Bytes of the journal that are not committed yet."}, func() float64 { return float64(r.Ingest.Behind()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "selda_audit_tree_behind", Help: "Entries of the trail that its tree does not hold yet; -1 where the tree can't be read."}, func() float64 { return treeBehind(r) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "selda_downtime_copy_seconds", Help: "When the downtime copy that is kept was made, in Unix seconds; 0 where none is."}, func() float64 { return float64(r.copied.Load()) }))
	m.registry.MustRegister(&daysLeft{r: r,
		left:  prometheus.NewDesc("selda_secret_days_left", "Whole days until a key, a certificate, a secret or an application ends; less than none where it has.", []string{"name", "kind"}, nil),
		state: prometheus.NewDesc("selda_secrets", "Accounts, applications, keys, certificates and secrets, by how they stand.", []string{"kind", "state"}, nil)})
	return m
}

// treeBehind is how far the tree is behind the trail.
func treeBehind(r *Region) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n, err := r.Trail.Behind(ctx)
	if err != nil {
		return -1
	}
	return float64(n)
}

// outcome counts what became of a message.
func (m *metrics) outcome(raw *ingest.Raw, state string) {
	m.messages.WithLabelValues(raw.Format, state).Inc()
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// measure times requests by their kind: the first part of the path, where it is one of ours.
func (m *metrics) measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(s, r)
		m.requests.WithLabelValues(kindOf(r.URL.Path), methodOf(r.Method), strconv.Itoa(s.status)).Observe(time.Since(began).Seconds())
	})
}

func kindOf(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "fhir", "oidc", "login", "logout", "record", "me", "privacy", "feeds", "search", "assets", "origin", "healthz", "readyz", "metrics":
		return first
	case "":
		return "home"
	}
	return "other"
}

func methodOf(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch:
		return m
	}
	return "other"
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
