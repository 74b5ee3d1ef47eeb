package audit

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"

	"selda/audit/tree"
	"selda/fault"
	"selda/internal/document"
)

// TreeFolder is where the tree is in a data folder. The key that signs it is in
// HeadFolder.
const TreeFolder = "audit-tree"

// openTree opens the tree of a trail in files, and begins it where there is
// none. One that was taken away is not begun again: it says so whenever it is asked,
// and care goes on.
func openTree(data string, docs document.Store) (*tree.Log, error) {
	const op = "audit.openTree"
	folder := tree.Folder(filepath.Join(data, TreeFolder))
	seed, version, err := docs.Load(SignerName)
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	if version > 0 {
		l, err := tree.New(folder, seed)
		if err != nil {
			return nil, err
		}
		return l.KeptBy(signerKept{docs}), nil
	}
	ctx := context.Background()
	// The key is kept last: a tree without one is of nothing, or its key is gone.
	if head, err := folder.Head(ctx); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	} else if lines := strings.Split(string(head), "\n"); head != nil && (len(lines) < 2 || lines[1] != "0") {
		return nil, fault.E(op, fault.NoStore, "the trail's tree is there but the key that signs it is gone")
	}
	if err := os.RemoveAll(string(folder)); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	seed = make([]byte, 32)
	_, _ = rand.Read(seed)
	l, err := tree.Open(ctx, folder, seed)
	if err == nil {
		err = docs.Save(SignerName, seed, 0)
	}
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	return l.KeptBy(signerKept{docs}), nil
}

// signerKept keeps the key that signs checkpoints, of a folder that one process has open.
type signerKept struct{ docs document.Store }

// Read is tree.Keeper's.
func (s signerKept) Read(context.Context) ([]byte, error) {
	b, _, err := s.docs.Load(SignerName)
	return b, err
}

// Keep is tree.Keeper's.
func (s signerKept) Keep(_ context.Context, _, now []byte) error {
	return s.docs.Save(SignerName, now, document.Any)
}

// HandOver has the trail's checkpoints be signed by a new key.
func (t *Trail) HandOver(ctx context.Context) error {
	if t == nil || t.tree == nil {
		return fault.E("audit.HandOver", fault.NoStore, "the trail has no tree")
	}
	if _, err := t.Grow(ctx); err != nil {
		return err
	}
	t.growing.Lock()
	defer t.growing.Unlock()
	return t.tree.HandOver(ctx)
}

// folderWalk begins to hold a tree in files against its trail; nil where the
// trail is from before there was one.
func folderWalk(data string, docs document.Store) (*tree.Walk, error) {
	folder := tree.Folder(filepath.Join(data, TreeFolder))
	seed, version, err := docs.Load(SignerName)
	if err == nil && version == 0 {
		if head, _ := folder.Head(context.Background()); head != nil {
			return nil, fault.E("audit.Verify", fault.Invalid, "the key that signs the trail's checkpoints is gone")
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, err := tree.New(folder, seed)
	if err != nil {
		return nil, err
	}
	return l.Walk(context.Background())
}

// InTree holds the next record of a chain against its tree.
func InTree(w *tree.Walk, key, record []byte) error {
	if !w.Wants() {
		return nil
	}
	leaf, _, err := leafOf(key, record)
	if err != nil {
		return err
	}
	return w.Next(tree.Leaf(leaf))
}
