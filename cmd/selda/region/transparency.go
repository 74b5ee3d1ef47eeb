package region

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"selda/audit"
	"selda/fault"
	"selda/policy"
)

// This file publishes the transparency log over the trail, for witnesses and
// for whoever holds a proof: hashes, and nothing that can be guessed from one.
// Entries are not published. https://c2sp.org/tlog-tiles

func (r *Region) transparency(mux *routes) {
	mux.HandleFunc("GET /audit/checkpoint", func(w http.ResponseWriter, req *http.Request) {
		at, err := r.Trail.Tree().Latest(req.Context())
		answerHashes(w, at.Note, "text/plain; charset=utf-8", "max-age=2", err)
	})
	mux.HandleFunc("GET /audit/key", func(w http.ResponseWriter, _ *http.Request) {
		answerHashes(w, []byte(r.Trail.Tree().Key()+"\n"), "text/plain; charset=utf-8", "max-age=3600", nil)
	})
	mux.HandleFunc("GET /audit/handovers", func(w http.ResponseWriter, _ *http.Request) {
		b, err := Handovers(r.Trail)
		answerHashes(w, b, "application/json", "max-age=3600", err)
	})
	mux.HandleFunc("GET /audit/tile/{path...}", func(w http.ResponseWriter, req *http.Request) {
		tile, err := r.Trail.Tree().Tile(req.Context(), req.PathValue("path"))
		answerHashes(w, tile, "application/octet-stream", "max-age=31536000, immutable", err)
	})
}

// Handovers are the changes of the key that signs the trail's checkpoints, as a file: for
// whoever holds one of before, or a proof of before.
func Handovers(t *audit.Trail) ([]byte, error) {
	b, err := json.MarshalIndent(append([]string{}, t.Tree().Handovers()...), "", "  ")
	return append(b, '\n'), err
}

func answerHashes(w http.ResponseWriter, b []byte, kind, hold string, err error) {
	switch {
	case err != nil:
		http.Error(w, fault.Reason(err), http.StatusServiceUnavailable)
	case b == nil:
		http.Error(w, "there is no such tile: /audit/checkpoint says how large the tree is", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", hold)
		_, _ = w.Write(b)
	}
}

// ProveEntry is the file that proves an entry of the trail, for an operator.
func (r *Region) ProveEntry(ctx context.Context, s policy.Subject, seq uint64, show []string) ([]byte, error) {
	for _, part := range show {
		if !audit.IsPart(part) {
			return nil, fault.E("region.ProveEntry", fault.Invalid, "an entry has no such part: "+part)
		}
	}
	if _, err := r.Access.Operate(ctx, s, audit.Read, "proof of entry "+strconv.FormatUint(seq, 10)); err != nil {
		return nil, err
	}
	return r.Trail.Prove(ctx, seq, show...)
}
