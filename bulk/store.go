package bulk

import (
	"time"

	"selda/fault"
)

// Kept is a job as it is kept. What is in its state nobody reads but Jobs.
type Kept struct {
	ID     string
	State  []byte    // sealed
	Ended  time.Time // zero while it has not
	Stored int64     // bytes of its files, as at the last Checkpoint
}

// Block is a part of a file, sealed. A file is read as its blocks in order.
type Block struct {
	Job, File string
	N         int   // which, from 0
	At        int64 // bytes of the blocks before it
	Raw       int   // bytes of NDJSON in it
	Sealed    []byte
}

// Size is how long a block is, and its NDJSON.
type Size struct{ Sealed, Raw int }

// Store is the port to where jobs and what they make are kept: a folder that one
// process has open, or a database that nodes share. A job is carried out by one
// holder at a time: what another one writes is refused with ErrTaken, and so is
// what is written of a job that was removed.
type Store interface {
	// List gives the jobs that have ended, or those that have not, in no order.
	List(ended bool) ([]Kept, error)
	// Load gives one job; ErrUnknown where there is none.
	Load(id string) (Kept, error)
	// Create keeps a new job. Who names a holder carries it out at once.
	Create(k Kept, holder string) error
	// Take gives a job that has not ended to a holder; ok is false where another
	// one has it.
	Take(id, holder string) (ok bool, err error)
	// Renew says which of some jobs are still a holder's; it is asked at least
	// once in RenewEvery, or they may be given to another.
	Renew(holder string, ids []string) (still []string, err error)
	// Leave lets another holder take a job at once.
	Leave(id, holder string) error
	// Save makes durable how a job stands, and with it every block that was put.
	Save(k Kept, holder string) error
	// Put keeps a block, in the place of the one that may be there.
	Put(b Block, holder string) error
	// Sizes gives those of the first blocks of a file.
	Sizes(job, file string, blocks int) ([]Size, error)
	// Get gives the sealed bytes of a block, which lies after others as Block has it.
	Get(job, file string, n int, at int64, size int) ([]byte, error)
	// Remove takes a job away with all that it made. What it could not finish
	// is listed as ended long ago, and removed again.
	Remove(id string) error
	// Used is how many bytes the files of all jobs take, about.
	Used() (int64, error)
}

// RenewEvery is how often a holder says that it still carries out its jobs.
const RenewEvery = time.Second

// What a Store answers.
var (
	ErrTaken   = fault.E("bulk", fault.Conflict, "the export or import was cancelled, or another node carries it out")
	ErrUnknown = fault.E("bulk", fault.NotFound, "there is no such export or import: it was cancelled, or its time is over")
)
