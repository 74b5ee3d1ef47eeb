package region

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"selda/secrets"
)

// daysLeft tells monitoring how the inventory stands. Accounts are counted, and not
// named: they are of people.
type daysLeft struct {
	r           *Region
	left, state *prometheus.Desc

	mu    sync.Mutex
	at    time.Time
	items []secrets.Item
}

// lookedEvery is how often it is looked at anew, however often it is asked for.
const lookedEvery = time.Minute

// Describe is prometheus.Collector's.
func (d *daysLeft) Describe(ch chan<- *prometheus.Desc) { ch <- d.left; ch <- d.state }

// Collect is prometheus.Collector's.
func (d *daysLeft) Collect(ch chan<- prometheus.Metric) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.r.Now()
	if time.Since(d.at) > lookedEvery {
		if items, err := d.r.inventory(context.Background()); err == nil { // else as it was
			d.items, d.at = items, time.Now()
		}
	}
	count := map[[2]string]float64{}
	for _, i := range d.items {
		count[[2]string{string(i.Kind), string(i.State(now))}]++
		if days, ends := i.DaysLeft(now); ends && i.Kind != secrets.Account {
			ch <- prometheus.MustNewConstMetric(d.left, prometheus.GaugeValue, float64(days), i.Name, string(i.Kind))
		}
	}
	for k, n := range count {
		ch <- prometheus.MustNewConstMetric(d.state, prometheus.GaugeValue, n, k[0], k[1])
	}
}
