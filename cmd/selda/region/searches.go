package region

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"selda/fhir"
	"selda/fhir/search"
	"selda/ingest/classify"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// searches keeps what can be searched by: the parameters of R4, those of packages,
// and those that clients have posted as SearchParameters. A new one is written into the index
// of what comes from then on, then of what is there already, in the background;
// then it is used.
type searches struct {
	store     Store
	documents document.Store
	packaged  *packaged
	labels    *labels
	now       func() time.Time
	log       *slog.Logger
	nudge     chan struct{}
	working   sync.Mutex

	used    atomic.Pointer[search.Parameters] // by searches
	written atomic.Pointer[search.Parameters] // by the index of what comes
}

// searchFile is where it is kept what the index was made with.
const searchFile = "search.json"

// searchState is what the index was made with.
type searchState struct {
	Index      int             `json:"index"`      // classify.Index
	Parameters map[string]bool `json:"parameters"` // those that are not R4's, by the hash of their definition
}

// lookEvery is how often a node looks for what was posted at another, or came with
// a package.
const lookEvery = 5 * time.Second

// openSearches reads what is there, and makes the index again where it was made
// by a version that kept other tokens.
func openSearches(ctx context.Context, r *Region, p *packaged) (*searches, error) {
	st, log := r.Store, r.Log
	s := &searches{store: st, documents: r.documents, packaged: p, labels: r.labels, now: r.Now, log: log, nudge: make(chan struct{}, 1)}
	state, err := s.load()
	if err != nil {
		return nil, err
	}
	all, ready, err := s.known(ctx, state)
	if err != nil {
		return nil, err
	}
	s.written.Store(all)
	s.used.Store(ready)
	if state.Index == classify.Index {
		return s, nil
	}
	if n, err := st.N(ctx); err != nil || n == 0 {
		return s, s.save(&searchState{Index: classify.Index})
	}
	if log != nil {
		log.Info("the search index is of an earlier version: it is made again")
	}
	_, err = s.reindex(ctx)
	return s, err
}

// indexed are the parameters that the index of what is written is made with.
func (s *searches) indexed() *search.Parameters { return s.written.Load() }

// ready are the parameters that can be searched by.
func (s *searches) ready() *search.Parameters { return s.used.Load() }

// changed says that a SearchParameter was written.
func (s *searches) changed() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// follow makes the index of what is posted, until ctx ends.
func (s *searches) follow(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.nudge:
		case <-look.C:
		}
		if err := errors.Join(s.labels.follow(), s.mark(ctx), s.refresh(ctx)); err != nil && ctx.Err() == nil && s.log != nil {
			s.log.Error("a search parameter could not be made ready", "error", err)
		}
	}
}

func (s *searches) load() (*searchState, error) {
	state := &searchState{}
	b, _, err := s.documents.Load(searchFile)
	if err == nil && b != nil {
		err = json.Unmarshal(b, state)
	}
	return state, err
}

func (s *searches) save(state *searchState) error {
	b, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return s.documents.Save(searchFile, b, document.Any)
}

// everything is read as a follower of the log.
var everything = &policy.Predicate{Permit: true, Everything: true}

// known are all parameters, and those that the index was made with.
func (s *searches) known(ctx context.Context, state *searchState) (all, ready *search.Parameters, err error) {
	defined, err := s.definitions(ctx)
	if err != nil {
		return nil, nil, err
	}
	var whole, done []*search.Parameter
	for _, d := range defined {
		whole = append(whole, d.list...)
		for _, p := range d.list {
			if state.Parameters[d.hash] || !p.NeedsIndex() {
				done = append(done, p)
			}
		}
	}
	if all, err = search.R4().With(whole...); err == nil {
		ready, err = search.R4().With(done...)
	}
	return all, ready, err
}

// refresh takes up what was posted, changed or deleted since.
func (s *searches) refresh(ctx context.Context) error {
	s.working.Lock()
	defer s.working.Unlock()
	state, err := s.load()
	if err != nil {
		return err
	}
	all, ready, err := s.known(ctx, state)
	if err != nil {
		return err
	}
	if search.Same(all, s.written.Load()) && search.Same(ready, s.used.Load()) {
		return nil
	}
	s.written.Store(all)
	s.used.Store(ready)
	if search.Same(all, ready) {
		return nil
	}
	_, err = s.index(ctx)
	return err
}

// mark gives what is there the marks of the teams of now, where organisations have
// named others since: what their seals are to hide is found by those (G4).
func (s *searches) mark(ctx context.Context) error {
	stale, err := s.labels.stale()
	if err != nil || !stale {
		return err
	}
	s.working.Lock()
	defer s.working.Unlock()
	_, err = s.labels.relabel(ctx, s.store, s.now())
	return err
}

// reindex makes the search index again from the record, with the labels that the
// lists of now find in it.
func (s *searches) reindex(ctx context.Context) (int, error) {
	s.working.Lock()
	defer s.working.Unlock()
	if _, err := s.labels.relabel(ctx, s.store, s.now()); err != nil {
		return 0, err
	}
	return s.index(ctx)
}

func (s *searches) index(ctx context.Context) (int, error) {
	defined, err := s.definitions(ctx)
	if err != nil {
		return 0, err
	}
	with := s.written.Load()
	n, err := s.store.Reindex(ctx, func(r *fhir.Resource, source nhs.Source) store.Index {
		c := classify.Of(r, source, classify.By{Parameters: with, Lists: s.labels.lists()})
		return store.Index{Tokens: c.Tokens, Ordered: c.Ordered}
	})
	if err != nil {
		return n, err
	}
	state := &searchState{Index: classify.Index, Parameters: map[string]bool{}}
	for _, d := range defined {
		state.Parameters[d.hash] = true
	}
	if err := s.save(state); err != nil {
		return n, err
	}
	all, ready, err := s.known(ctx, state)
	if err == nil {
		s.written.Store(all)
		s.used.Store(ready)
	}
	return n, err
}
