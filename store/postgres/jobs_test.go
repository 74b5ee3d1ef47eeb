package postgres_test

import (
	"testing"

	"selda/bulk/bulktest"
)

func TestJobs(t *testing.T) { bulktest.Run(t, openAt(t, database(t)).Jobs(), true) }
