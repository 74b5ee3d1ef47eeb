package postgres

import (
	"context"
	"embed"
	"io/fs"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"selda/fault"
)

//go:embed migrations
var migrations embed.FS

// migrating is the advisory lock of those who change tables: "selda" in ASCII.
const migrating = 0x73656c6461

// Each partition costs every question a little, and a server with billions of
// rows wants more: its address says how many, when the tables are made
// (`selda.partitions=16`).
const (
	partitionsOf  = "selda.partitions"
	fewPartitions = 2
)

// migrate brings the tables to what this build reads. Nodes that start at once
// wait for one another. A database of a later build is refused.
func migrate(ctx context.Context, dsn string, partitions int) error {
	const op = "postgres.migrate"
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fault.E(op, fault.Value, "the address of the database is not one: postgres://user@host/database")
	}
	if partitions == 0 && conf.RuntimeParams[partitionsOf] == "" {
		partitions = fewPartitions
	}
	if partitions > 0 {
		conf.RuntimeParams[partitionsOf] = strconv.Itoa(partitions)
	}
	lock, err := pgx.ConnectConfig(ctx, conf)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	defer func() { _ = lock.Close(context.WithoutCancel(ctx)) }() // which lets go of the lock
	if _, err := lock.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(migrating)); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	db := stdlib.OpenDB(*conf)
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fault.E(op, err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithVerbose(false))
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	if have > want {
		return fault.E(op, fault.Conflict, "the database is of a later version of SELDA: start that one")
	}
	if _, err := p.Up(ctx); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	return nil
}
