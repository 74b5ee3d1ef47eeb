package region

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"selda/api"
	"selda/fault"
	"selda/ingest/mllp"
)

// Doors says where a region is reached.
type Doors struct {
	HTTP string // address; "127.0.0.1:0" picks a free port
	MLLP string
	// MLLPS is the door for feeds that show a certificate; "" where there is none.
	MLLPS string
	Drop  string // folder of files; "" for none
	// DropEvery is how often that folder is looked at: a file is taken when it
	// has not changed between two looks. 2 s where 0.
	DropEvery time.Duration
	Feeds     *Feeds
}

// Open is what is open.
type Served struct {
	HTTP string `json:"http"` // http://127.0.0.1:41234
	MLLP string `json:"mllp"` // 127.0.0.1:41235
	// MLLPS is the same over TLS.
	MLLPS string `json:"mllps,omitempty"`
	Drop  string `json:"drop,omitempty"`
}

// Serve opens the doors, calls ready when every one is open, and serves until
// ctx ends; then it takes nothing new, finishes what it has, and returns.
func (r *Region) Serve(ctx context.Context, d Doors, ready func(Served) error) error {
	web, err := net.Listen("tcp", d.HTTP)
	if err != nil {
		return err
	}
	v2, err := net.Listen("tcp", d.MLLP)
	if err != nil {
		_ = web.Close()
		return err
	}
	secured, err := r.listenSecured(d)
	if err != nil {
		_, _ = web.Close(), v2.Close()
		return err
	}
	closeAll := func() {
		_, _ = web.Close(), v2.Close()
		if secured != nil {
			_ = secured.Close()
		}
	}
	if err := r.Commanded(ctx, "the doors are opened"); err != nil {
		closeAll()
		return err
	}
	if r.Log != nil {
		for _, w := range r.warnings() {
			r.Log.Warn(w)
		}
	}
	if d.Feeds == nil {
		d.Feeds = &Feeds{} // nobody is admitted
	}
	if err := r.Wish(d.Feeds); err != nil {
		closeAll()
		return err
	}
	r.serving.Store(true)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	server := &http.Server{Handler: api.Evened(r.Handler(), api.EvenStep), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ReadTimeout: 2 * time.Minute,
		WriteTimeout: 5 * time.Minute, MaxHeaderBytes: 64 << 10}
	wg.Go(func() {
		if err := server.Serve(web); !errors.Is(err, http.ErrServerClosed) {
			stop(err)
		}
	})
	wg.Go(func() {
		s := &mllp.Server{Handler: r.answer()}
		if err := s.Serve(ctx, v2); err != nil {
			stop(err)
		}
	})
	door := &mllp.Server{Handler: r.answer(), Refused: r.stranger(ctx)}
	if secured != nil {
		wg.Go(func() {
			if err := door.Serve(ctx, secured); err != nil {
				stop(err)
			}
		})
	}
	wg.Go(func() { r.followFeeds(ctx, door) })
	if r.Nodes != nil {
		wg.Go(func() {
			select {
			case <-r.Ingest.Failed():
			case <-r.unusable.Done():
			case <-ctx.Done():
				return
			}
			// Others go on, and whoever watches over this one starts it anew.
			stop(fault.E("region.Serve", fault.NoStore, "this node can't write to the store any more, and stops"))
		})
	}
	if r.fhir.Bulk != nil {
		wg.Go(func() { r.fhir.Bulk.Run(ctx, r.fhir.RunJob) })
	}
	if a, ok := web.Addr().(*net.TCPAddr); ok {
		r.calls.Loopback = a.IP.IsLoopback()
	}
	wg.Go(func() { r.Subscriptions.Run(ctx) })
	if d.Drop != "" {
		wg.Go(func() { r.watch(ctx, d.Drop, cmp.Or(d.DropEvery, dropEvery)) })
	}
	open := Served{HTTP: "http://" + web.Addr().String(), MLLP: v2.Addr().String(), Drop: d.Drop}
	if secured != nil {
		open.MLLPS = secured.Addr().String()
	}
	err = ready(open)
	if err != nil {
		stop(err)
	}
	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err = server.Shutdown(closing)
	wg.Wait()
	if r.Trail.Ready() == nil {
		err = errors.Join(err, r.Commanded(closing, "the doors are closed"))
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// Handler serves everything over HTTP.
func (r *Region) Handler() http.Handler {
	mux := &routes{ServeMux: http.NewServeMux()}
	r.route(mux)
	return r.proxies.behind(r.guarded(r.metrics.measure(crossOrigin(held(r.outside(r.Auth.Wrap(r.recorded(mux.ServeMux))))))))
}

// route adds every route of the region.
func (r *Region) route(mux *routes) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", r.readyz)
	mux.Handle("GET /metrics", r.metrics.handler())
	mux.HandleFunc("GET /.well-known/security.txt", r.securityText)
	r.transparency(mux)
	r.Auth.Routes(mux)
	mux.Handle("GET "+api.SocketPath, r.Subscriptions.Sockets(r.Auth.Subject))
	mux.Handle("/fhir", r.fhir)
	mux.Handle("/fhir/", r.fhir)
	mux.HandleFunc("GET /fhir/.well-known/smart-configuration", r.Auth.SMARTConfiguration)
	mux.HandleFunc("GET /cds-services", r.fhir.CDSServices)
	if pages, err := r.pages(); err == nil {
		pages.Routes(mux)
	} else {
		mux.Handle("/", noPages(err))
	}
}

// readyz says whether the store answers and the trail can be written.
func (r *Region) readyz(w http.ResponseWriter, req *http.Request) {
	if _, err := r.Store.N(req.Context()); err != nil {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	if err := r.Trail.Ready(); err != nil {
		http.Error(w, "the trail can't be written", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}
