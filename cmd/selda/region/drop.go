package region

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"selda/fault"
	"selda/ingest"
	"selda/nhs"
)

// The drop folder has one folder a source, named RJZ_PAS for RJZ:PAS. A file
// is taken when it has not changed between two looks, and moved to `done` in
// that folder when all of it is committed.
const dropEvery = 2 * time.Second

func (r *Region) watch(ctx context.Context, dir string, every time.Duration) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		r.Log.Error("the drop folder can't be made", "folder", dir, "error", err)
		return
	}
	r.drop.Store(dir)
	seen := map[string]os.FileInfo{}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		r.look(ctx, dir, seen)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *Region) look(ctx context.Context, dir string, seen map[string]os.FileInfo) {
	folders, _ := os.ReadDir(dir)
	for _, folder := range folders {
		source, err := sourceOfFolder(folder)
		if err != nil {
			continue
		}
		files, _ := os.ReadDir(filepath.Join(dir, folder.Name()))
		for _, f := range files {
			info, err := f.Info()
			if err != nil || !dropped(info) {
				continue
			}
			path := filepath.Join(dir, folder.Name(), f.Name())
			last := seen[path]
			seen[path] = info
			if last == nil || last.Size() != info.Size() || !last.ModTime().Equal(info.ModTime()) {
				continue
			}
			if r.awaitsTotals(path) && time.Since(info.ModTime()) < totalsWait {
				continue
			}
			delete(seen, path)
			r.takeFile(ctx, source, path)
		}
	}
}

// lying are the files that lie in the drop folder and are not taken yet: how
// many of each source, and since when the oldest.
func (r *Region) lying() (out []ingest.Feed) {
	dir, _ := r.drop.Load().(string)
	if dir == "" {
		return nil
	}
	folders, _ := os.ReadDir(dir)
	for _, folder := range folders {
		source, err := sourceOfFolder(folder)
		if err != nil {
			continue
		}
		f := ingest.Feed{Source: source}
		files, _ := os.ReadDir(filepath.Join(dir, folder.Name()))
		for _, file := range files {
			if info, err := file.Info(); err == nil && dropped(info) {
				f.Waiting++
				if f.Oldest.IsZero() || info.ModTime().Before(f.Oldest) {
					f.Oldest = info.ModTime()
				}
			}
		}
		if f.Waiting > 0 {
			out = append(out, f)
		}
	}
	return out
}

// sourceOfFolder is the source whose folder it is.
func sourceOfFolder(folder os.DirEntry) (nhs.Source, error) {
	if !folder.IsDir() || !strings.Contains(folder.Name(), "_") {
		return "", fault.E("region.drop", fault.Value, "a source's folder is named ODS_SYSTEM")
	}
	return nhs.ParseFeed(strings.Replace(folder.Name(), "_", ":", 1))
}

// dropped says whether a file is one to take: an extract's totals go with the extract.
func dropped(info os.FileInfo) bool {
	return info.Mode().IsRegular() && !strings.HasPrefix(info.Name(), ".") && !strings.HasSuffix(info.Name(), ".totals")
}

// totalsWait is how long an extract waits for its file of totals.
const totalsWait = 5 * time.Minute

// awaitsTotals says whether a file is an extract whose totals come in a file
// of their own that is not there yet.
func (r *Region) awaitsTotals(path string) bool {
	if !strings.EqualFold(filepath.Ext(path), ".csv") {
		return false
	}
	name, err := (&load{r: r}).mappingOf(path)
	if err != nil || name == "" {
		return false
	}
	m, err := r.mapper.mapping(name)
	if err != nil || !m.Sidecar {
		return false
	}
	_, err = os.Stat(path + ".totals")
	return err != nil
}

func (r *Region) takeFile(ctx context.Context, source nhs.Source, path string) {
	sum, err := r.IngestFiles(ctx, OperatorSubject(), Files{Source: source, Paths: []string{path}})
	if err != nil {
		r.Log.Error("a dropped file could not be loaded; it stays where it is", "source", source, "file", filepath.Base(path), "error", err)
		return
	}
	done := filepath.Join(filepath.Dir(path), "done")
	if err := os.MkdirAll(done, 0o700); err == nil {
		stamp := r.Now().UTC().Format("20060102T150405.000Z-")
		if _, err := os.Stat(path + ".totals"); err == nil {
			_ = os.Rename(path+".totals", filepath.Join(done, stamp+filepath.Base(path)+".totals"))
		}
		err = os.Rename(path, filepath.Join(done, stamp+filepath.Base(path)))
		if err != nil {
			r.Log.Error("a dropped file could not be moved", "source", source, "file", filepath.Base(path), "error", err)
		}
	}
	r.Log.Info("took a dropped file", "source", source, "file", filepath.Base(path), "messages", sum.Messages, "stored", sum.Stored,
		"quarantined", sum.Quarantined, "duplicates", sum.Duplicates)
}
